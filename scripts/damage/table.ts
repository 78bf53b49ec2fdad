/** The table of docs/proof.md: what was done, and what came of it with three nodes and with five. */
import type { Kind } from "./kind.ts";
import { firstSentence } from "./report.ts";
import { isBad, type Row } from "./row.ts";
import type { Outcome } from "./verdict.ts";

const SIZES = [3, 5] as const;
/** What differs from run to run mostly stands behind it. */
const SENTENCE_MAX = 64;

/** Rows by kind and size; of rows that were played twice the last one counts. */
export class Table {
  readonly #kinds: readonly Kind[];
  readonly #rows = new Map<string, Row>();
  /** Of kinds that are no more, or not of that size. */
  readonly unknown: readonly string[];
  /** What the whole table has and this one has not. */
  readonly missing: readonly string[];

  constructor(kinds: readonly Kind[], rows: readonly Row[]) {
    for (const row of rows) this.#rows.set(titleOf(row, row.size), row);
    // A hidden one counts when it was asked for.
    this.#kinds = kinds.filter(
      (kind) => kind.hidden !== true || SIZES.some((size) => this.#rows.has(titleOf(kind, size))),
    );
    const wanted = this.#kinds.flatMap((kind) =>
      SIZES.filter((size) => isPlayed(kind, size)).map((size) => titleOf(kind, size)),
    );
    this.unknown = [...this.#rows.keys()].filter((title) => !wanted.includes(title));
    this.missing = wanted.filter((title) => !this.#rows.has(title));
  }

  /** Those that are limits are no rows of the verdict. */
  get bad(): readonly Row[] {
    return this.#of(this.#verdicts).filter(isBad);
  }

  /** A sentence with the amounts, the groups one after the other, and the limits. */
  get markdown(): string {
    const groups = [...new Set(this.#verdicts.map(({ group }) => group))];
    const limits = this.#kinds.filter(({ limit }) => limit === true);
    return [
      this.#amounts(),
      ...groups.map((group) => {
        const kinds = this.#verdicts.filter((kind) => kind.group === group);
        return `**${group}**\n\n${this.#lines(kinds, "what was done", ({ name }) => name)}`;
      }),
      "**Limits: nobody can notice these**",
      this.#lines(limits, "what was done", ({ group, name }) => `${group}: ${name}`),
    ].join("\n\n");
  }

  get #verdicts(): readonly Kind[] {
    return this.#kinds.filter(({ limit }) => limit !== true);
  }

  #amounts(): string {
    const rows = this.#of(this.#verdicts);
    const kinds = this.#verdicts.filter((kind) => this.#of([kind]).length > 0);
    const minutes = Math.ceil(rows.reduce((sum, { ms }) => sum + ms, 0) / 60_000);
    const unharmed = rows.filter(({ outcome }) => outcome.kind === "nothing lost").length;
    const refused = rows.map(({ outcome }) => outcome).filter(({ kind }) => kind === "refused");
    const repaired = refused.filter((outcome) => afterOf(outcome) === "repaired").length;
    return [
      `${kinds.length} kinds, ${rows.length} rows, ${minutes} minutes one after the other:`,
      `${unharmed} times nothing lost, ${refused.length} times refused, of which ${repaired} were repaired by what the`,
      `sentence says and ${refused.length - repaired} are left to people; ${this.bad.length} silent.`,
    ].join(" ");
  }

  #of(kinds: readonly Kind[]): readonly Row[] {
    return kinds.flatMap((kind) =>
      SIZES.flatMap((size) => this.#rows.get(titleOf(kind, size)) ?? []),
    );
  }

  #lines(kinds: readonly Kind[], head: string, nameOf: (kind: Kind) => string): string {
    const lines = kinds.map((kind) => {
      const [three = "–", five = "–"] = SIZES.map((size) => {
        const row = this.#rows.get(titleOf(kind, size));
        return row === undefined ? "–" : cellOf(row);
      });
      return `| ${nameOf(kind)} | ${three} | ${five === three && five !== "–" ? "the same" : five} |`;
    });
    return [`| ${head} | 3 nodes | 5 nodes |`, "| --- | --- | --- |", ...lines].join("\n");
  }
}

function isPlayed(kind: Kind, size: number): boolean {
  return (kind.sizes ?? SIZES).includes(size);
}

function titleOf({ group, name }: Pick<Kind, "group" | "name">, size: number): string {
  return `${size}  ${group}: ${name}`;
}

function cellOf({ outcome, facts }: Row): string {
  switch (outcome.kind) {
    case "nothing lost":
      return "nothing lost";
    case "refused": {
      const sentence = clausesOf(outcome.by.text);
      const meanwhile =
        facts.missedBefore > 0 ? `; served without ${facts.missedBefore} until then` : "";
      return `refused (“${sentence}”), ${afterOf(outcome)}${meanwhile}`;
    }
    case "SILENT":
    case "FALSE ALARM":
    case "NO WAY OUT":
    case "NOT PLAYED":
      return `${outcome.kind}: ${clausesOf(outcome.what)}`;
  }
}

/** In a word or two; docs/proof.md says above the table what they mean. */
function afterOf(outcome: Outcome): string {
  if (outcome.kind !== "refused") return "";
  switch (outcome.after) {
    case "nothing lost":
      return "repaired";
    case "stops: people have to choose a side, and the disk of each is kept":
      return "people choose";
    case "waits, and says for whom":
      return "waits";
    case "stands still":
      return "stands still";
  }
}

/** Of the first sentence as many clauses as are short, or the beginning of the first one. */
function clausesOf(text: string): string {
  const first = withoutNumbers(firstSentence(text, text.length));
  const ends = [...first.matchAll(/[:;,]? |$/g)].filter(
    ({ 0: end, index }) => end !== " " || first[index + 1] === "(",
  );
  const last = ends.findLast(({ index }) => index <= SENTENCE_MAX && index > SENTENCE_MAX / 3);
  const cut = last === undefined ? firstSentence(first, SENTENCE_MAX) : first.slice(0, last.index);
  // Nor half of what is in brackets.
  const whole = cut.replace(/ \([^)]*$/, "");
  return whole === first || whole.endsWith("…") ? whole : `${whole} …`;
}

/** Places, names and amounts are others every time, and with other numbers of nodes. */
function withoutNumbers(text: string): string {
  return text
    .replaceAll("|", "\\|")
    .replaceAll(/\/\S*?\/row\/node\d+/g, "…")
    .replaceAll(/snapshots\/\S+\.snapshot/g, "snapshots/…")
    .replaceAll(/(?<!0x)\b\d+(?:\.\d+)*/g, "N")
    .replaceAll(/N(?:, N)+/g, "N, …")
    .replaceAll(/\bnodes N(?:, …)?(?: and N)?/g, "nodes N, …");
}
