/** Rows as lines for people, as JSON, and as the table of docs/proof.md. */
import { unreachable } from "../../../base/index.ts";
import type { Row } from "./row.ts";
import { endings } from "./verdict.ts";

const SENTENCE_MAX = 110;

export function lineOf({ group, name, size, outcome, facts, ms }: Row): string {
  const head = `${(ms / 1000).toFixed(1).padStart(5)} s  ${size}  ${group}: ${name}`;
  const notes = facts.notes.map((note) => `\n           (${note})`).join("");
  return `${head}\n           ${outcomeText(outcome)} [${endings(facts).join(", ")}]${notes}`;
}

function outcomeText(outcome: Row["outcome"]): string {
  switch (outcome.kind) {
    case "nothing lost":
      return "nothing lost";
    case "refused":
      return `refused: ${firstSentence(outcome.by.text)} → ${outcome.after}`;
    case "SILENT":
    case "NO WAY OUT":
      return `${outcome.kind}: ${outcome.what}`;
    default:
      return unreachable(outcome, "outcome");
  }
}

export function jsonOf({ facts, ...row }: Row): string {
  return JSON.stringify({ ...row, facts });
}

/** What a row's two outcomes have in common is said once. */
export function markdownOf(rows: readonly Row[]): string {
  const lines: string[] = [];
  let group = "";
  for (const row of rows) {
    const same = rows.filter((each) => each.group === row.group && each.name === row.name);
    if (same[0] !== row) continue;
    if (row.group !== group) {
      group = row.group;
      lines.push("", `**${group}**`, "", "| what | nodes | outcome |", "| --- | --- | --- |");
    }
    const texts = new Map<string, number[]>();
    for (const each of same) {
      const text = cellOf(each);
      texts.set(text, [...(texts.get(text) ?? []), each.size]);
    }
    for (const [text, sizes] of texts)
      lines.push(`| ${row.name} | ${sizes.join(", ")} | ${text} |`);
  }
  return lines.join("\n").trim();
}

/** Places, names and amounts are another every time, and with other numbers of nodes. */
function cellOf({ outcome, facts }: Row): string {
  const codes = endings(facts).map((code) => `\`${code}\``);
  const said = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
  const meanwhile =
    facts.missedBefore > 0 && outcome.kind === "refused"
      ? `; served without ${facts.missedBefore} of them until then`
      : "";
  const text = outcomeText(outcome)
    .replaceAll("|", "\\|")
    .replaceAll(/\/tmp\/\S*?\/row\//g, "…/")
    .replaceAll(/snapshots\/\S+\.snapshot/g, "snapshots/…")
    .replaceAll(/\d+(?:\.\d+)*/g, "N")
    .replaceAll(/N(?:, N)+/g, "N, …");
  return text.replace(" →", `${said} →`) + meanwhile;
}

function firstSentence(text: string): string {
  const end = /\. [A-Z]/.exec(text)?.index ?? text.length;
  const first = text.slice(0, end);
  return first.length > SENTENCE_MAX ? `${first.slice(0, SENTENCE_MAX - 1)}…` : first;
}
