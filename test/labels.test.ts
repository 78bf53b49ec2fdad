/** Labels of invariants, such as FOLLOW-3, and the numbers of the reference's defects, such as S4: each is stated in one place. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
/** Where invariants are stated, each with its file's prefix. */
const HOMES = ["src", "test/omnipaxos/harness"];
/** Yet to get prefixes: their labels hold within one file. */
const BARE = ["src/client/", "src/replica/cluster-clock.ts"];
/** What must be on disk before what leaves: each rule stands with the sender. */
const SHARED_PREFIX = "DISK";
const DEVIATIONS = "src/omnipaxos/deviations.md";

const filesIn = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|tsx|md)$/.test(name))
    .map((name) => join(ROOT, folder, name));
const textOf = (file: string): string => readFileSync(file, "utf8");
const nameOf = (file: string): string => relative(ROOT, file);

const STATED = /^ *\* +(?:([A-Z]+-\d+)\.|Invariant ([A-Z]+-\d+):) /gm;
const stated = HOMES.flatMap(filesIn).flatMap((file) =>
  [...textOf(file).matchAll(STATED)].map(([, item, sentence = ""]) => {
    const label = item ?? sentence;
    return { file: nameOf(file), prefix: label.replace(/-\d+$/, ""), label };
  }),
);

describe("labels of invariants", () => {
  test("each is stated once, and all of a prefix in one file", () => {
    expect(stated.length).toBeGreaterThan(300);
    const labels = stated.map(({ label }) => label);
    expect(labels.filter((label, i) => labels.indexOf(label) !== i)).toEqual([]);
    const homes = new Map<string, Set<string>>();
    for (const { prefix, file } of stated) {
      homes.set(prefix, (homes.get(prefix) ?? new Set()).add(file));
    }
    const spread = [...homes].filter(([, files]) => files.size > 1).map(([prefix]) => prefix);
    expect(spread).toEqual([SHARED_PREFIX]);
  });

  test("none is mentioned that is not stated", () => {
    const known = new Set(stated.map(({ label }) => label));
    const prefixes = [...new Set(stated.map(({ prefix }) => prefix))].join("|");
    const mention = new RegExp(`\\b(?:${prefixes})-\\d+\\b`, "g");
    const unknown = ["src", "test", "docs", "scripts"]
      .flatMap(filesIn)
      .flatMap((file) =>
        [...textOf(file).matchAll(mention)]
          .filter(([label]) => !known.has(label))
          .map(([label]) => `${nameOf(file)}: ${label}`),
      );
    expect(unknown).toEqual([]);
  });

  test("none is stated without a prefix, or stands alone before what it explains", () => {
    const bare = /^ *(?:\*|\/\*\*|\/\/) +(?:Invariant )?([A-Z]{1,2}\d+)[.:,] /gm;
    const found = HOMES.flatMap(filesIn)
      .filter((file) => !BARE.some((path) => nameOf(file).startsWith(path)))
      .flatMap((file) =>
        [...textOf(file).matchAll(bare)].map(([, label = ""]) => `${nameOf(file)}: ${label}`),
      );
    // The numbers of the reference's defects.
    expect(found.filter((label) => !/^src\/omnipaxos\/.*: S\d+$/.test(label))).toEqual([]);
  });
});

describe("numbers of the reference's defects", () => {
  test("S1 to S24 have a section each", () => {
    const sections = [...textOf(join(ROOT, DEVIATIONS)).matchAll(/^## S(\d+)\. /gm)];
    expect(sections.map(([, number]) => Number(number))).toEqual(
      Array.from({ length: 24 }, (_, i) => i + 1),
    );
  });

  test("who mentions one says where they are explained", () => {
    const files = [...filesIn("src/omnipaxos"), ...filesIn("test/omnipaxos")];
    files.push(join(ROOT, "scripts/mutants/reference-defects.ts"), join(ROOT, "docs/proof.md"));
    const silent = files.filter((file) => {
      const text = textOf(file);
      return /\bS\d{1,2}\b/.test(text) && !text.includes(basename(DEVIATIONS));
    });
    expect(silent.map(nameOf)).toEqual(["src/omnipaxos/deviations.md"]);
  });

  test("what it says shows them exists", () => {
    const shown = textOf(join(ROOT, DEVIATIONS)).matchAll(/`([a-z0-9-]+\.(?:txt|test\.ts))`/g);
    const here = readdirSync(join(ROOT, "test/omnipaxos"), { recursive: true, encoding: "utf8" });
    const names = new Set(here.map((name) => basename(name)));
    const missing = [...shown].map(([, name = ""]) => name).filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  });
});
