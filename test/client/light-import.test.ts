/** What `import "omnikv"` loads: a client, and not the servers, the state machine and the tables beside it. */
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const SRC = resolve(import.meta.dirname, "../../src");
/** Types leave no trace in the program, and `import()` waits until it is called. */
const LOADED = /^(?:import|export) (?!type )(?:[^;"]*? from )?"([^"]+)";/gm;

interface Loaded {
  readonly files: Set<string>;
  readonly packages: Set<string>;
  /** Modules of Node.js. */
  readonly builtins: Set<string>;
}

/** Files of src, packages and modules of Node.js that a file loads at once, by however many others. */
function loadedBy(entry: string): Loaded {
  const files = new Set<string>();
  const packages = new Set<string>();
  const builtins = new Set<string>();
  const queue = [join(SRC, entry)];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const [, target = ""] of readFileSync(file, "utf8").matchAll(LOADED)) {
      if (target.startsWith(".")) queue.push(resolve(dirname(file), target));
      else (target.startsWith("node:") ? builtins : packages).add(target);
    }
  }
  return { files, packages, builtins };
}

/** What only servers, management and the tools around them need. */
const HEAVY =
  /^(?:machine\/host|store\/kv-state|protocol\/(?:admin|peer)|storage|links\/[a-z-]+\.ts|replica|server|client\/admin|prompt|page|measure|proof|bin)/;

const namesOf = ({ files }: ReturnType<typeof loadedBy>): string[] =>
  [...files].map((file) => relative(SRC, file)).sort();

test("the library loads the client and its protocol; web sockets come with the first connection", () => {
  const loaded = loadedBy("client/api/index.ts");
  expect([...loaded.packages].sort()).toEqual(["msgpackr/pack"]);
  // node:crypto, node:net and their like take as long as a fifth of all else.
  expect([...loaded.builtins]).toEqual(["node:diagnostics_channel"]);
  const folders = new Set(namesOf(loaded).map((file) => file.split("/")[0] ?? ""));
  expect([...folders]).toEqual(["base", "client", "links", "machine", "protocol", "store"]);
  // A door must not bring along what the client has no use for.
  expect(namesOf(loaded).filter((name) => HEAVY.test(name))).toEqual([]);
  expect(namesOf(loaded)).not.toContain("store/kv-state.ts");
  expect(namesOf(loaded)).not.toContain("client/admin/admin-core.ts");
});

test("the command line loads what a command needs, and a health check no more than what asks and prints", () => {
  expect(namesOf(loadedBy("bin/omnikv.ts"))).toEqual(["bin/omnikv.ts"]);
  const begin = loadedBy("bin/commands.ts");
  const prompts = /^(?:store|client\/(?!scenarios)|prompt\/(?!terminal))/;
  expect(namesOf(begin).filter((name) => prompts.test(name))).toEqual([]);
  expect([...begin.packages].filter((name) => !["chalk", "commander"].includes(name))).toEqual([]);
  const health = loadedBy("bin/health.ts");
  const heavy = ["pino", "prom-client", "msgpackr/pack"];
  expect(heavy.filter((name) => health.packages.has(name))).toEqual([]);
  const rooms =
    /^(?:store|protocol|replica|client\/[a-z-]+\.ts|server\/(?!config|probes)|machine\/logger|measure)/;
  expect(namesOf(health).filter((name) => rooms.test(name))).toEqual([]);
});

test("the core, the checker and the simulator load nothing of a server", () => {
  expect([...loadedBy("omnipaxos/index.ts").packages]).toEqual([]);
  expect([...loadedBy("proof/checker/index.ts").packages]).toEqual([]);
  const server = ["pino", "commander", "chalk", "ws"];
  const sim = loadedBy("proof/simulator/index.ts").packages;
  expect(server.filter((name) => sim.has(name))).toEqual([]);
});
