/** docs/troubleshooting.md has every warning and every error that a server logs, and no other. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
/** Rooms whose code runs in a server. */
const ROOMS = ["server", "storage", "links", "replica", "machine"];
/** Which argument of a call is the text. A logger's own is the first. */
const CALLS: readonly (readonly [call: RegExp, argument: number])[] = [
  [/(?:logger|strangers|Logger|Strangers)\??\.(?:warn|error)\(/g, 0],
  [/\.logOnce\(/g, 0],
  [/\.misbehaved\(/g, 1],
];
/** What hands on a text that somebody else has given, and where those are found. */
const HANDED_ON = [
  "src/server/gateway/admin-gateway.ts: what",
  "src/server/gateway/client-gateway.ts: what",
  "src/links/peer-link.ts: message",
  "src/machine/ports/stranger-log.ts: message",
];
/** What others make of a text, or a text that is made elsewhere. */
const MADE_ELSEWHERE: readonly (readonly [place: string, text: string])[] = [
  ["src/server/process/serving-node.ts: open", "others may get into …, where the data is: …"],
  [
    "src/server/process/serving-node.ts: text",
    "nodes prove the secret of clients to each other, so whoever may write keys may pass for a node: give all nodes a --peer-secret-file",
  ],
  ["src/server/gateway/arrivals.ts: this.#options.refused", "client refused"],
  ["src/server/gateway/arrivals.ts: this.#options.refused", "management refused"],
  [
    "src/server/process/serving-node.ts: text",
    "--allow-plain-text: whoever is between this node and others reads what is not in TLS, and can change it on the way",
  ],
];

interface Found {
  readonly file: string;
  readonly texts: readonly string[];
  /** The argument, when no text is in it. */
  readonly bare: string;
}

/** The arguments of the call whose opening bracket ends before `from`. */
function argumentsOf(source: string, from: number): readonly string[] {
  const found: string[] = [];
  let [depth, quote, start] = [0, "", from];
  for (let i = from; i < source.length; i += 1) {
    const char = source[i] ?? "";
    if (quote !== "") {
      if (char === "\\") i += 1;
      else if (char === quote) quote = "";
    } else if (`"'\``.includes(char)) quote = char;
    else if ("([{".includes(char)) depth += 1;
    else if (")]}".includes(char) && depth > 0) depth -= 1;
    else if ((char === "," && depth === 0) || char === ")") {
      found.push(source.slice(start, i).trim());
      if (char === ")") return found;
      start = i + 1;
    }
  }
  return found;
}

/** Texts in an expression, with what is filled in left out. */
function textsIn(expression: string): readonly string[] {
  return [...expression.matchAll(/"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, plain, template = ""]) => plain ?? template.replaceAll(/\$\{[^}]*\}/g, "…"),
  );
}

function collect(file: string): readonly Found[] {
  const source = readFileSync(join(ROOT, file), "utf8");
  return CALLS.flatMap(([call, argument]) =>
    [...source.matchAll(call)].map(({ index, 0: { length } }) => {
      const given = argumentsOf(source, index + length)[argument] ?? "";
      const name = /^\w+$/.test(given) ? given : null;
      const before = name === null ? -1 : source.lastIndexOf(`const ${name} =`, index);
      const end = source.indexOf(";\n", before);
      const expression = before < 0 ? given : source.slice(before, end);
      return { file, texts: textsIn(expression), bare: given };
    }),
  );
}

const found = ROOMS.flatMap((room) =>
  readdirSync(join(ROOT, "src", room), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => collect(relative(ROOT, join(ROOT, "src", room, name)))),
);
const logged = [
  ...found.flatMap(({ texts }) => texts),
  ...MADE_ELSEWHERE.map(([, text]) => text),
].filter((text) => text !== "");

const table = readFileSync(join(ROOT, "docs/troubleshooting.md"), "utf8");
const documented = [...table.matchAll(/^\| `([^`]+)` +\| (.*?) +\| (.*?) +\|$/gm)];

test("the collector sees what is logged", () => {
  expect(found.length).toBeGreaterThan(25);
  const bare = found.filter(({ texts }) => texts.length === 0);
  const places = bare.map((each) => `${each.file}: ${each.bare}`);
  expect(new Set(places)).toEqual(new Set([...HANDED_ON, ...MADE_ELSEWHERE.map(([at]) => at)]));
});

test("each warning and error of a server is in the table", () => {
  const rows = documented.map(([, text = ""]) => text);
  expect(logged.filter((text) => !rows.includes(text))).toEqual([]);
  expect(rows.filter((text) => !logged.includes(text))).toEqual([]);
});

test("each row has a cause and a way out", () => {
  for (const [, text, cause = "", wayOut = ""] of documented) {
    expect([text, cause.length > 10, wayOut.length > 5]).toEqual([text, true, true]);
  }
});
