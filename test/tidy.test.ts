/** The rules of the source that no linter knows: which folder may import which, and what must not be left behind. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const SRC = join(ROOT, "src");

/**
 * Rooms, and parts of rooms, each with a door of its own, from the lowest layer to the highest. Own folder always; what is not
 * named is forbidden, and nobody may name what stands further down in this table (docs/architecture.md). One line for each.
 */
// prettier-ignore
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  "machine/ports": ["base"],
  "machine/runtime": ["machine/ports"],
  "machine/tls": ["base", "machine/ports"],
  "machine/http": ["base", "machine/tls"],
  "machine/network": ["base", "machine/ports", "machine/tls"],
  "machine/host": ["base", "machine/ports"],
  "machine/logger": ["base", "machine/ports", "machine/host"],
  omnipaxos: [],
  "store/operations": ["base"],
  store: ["base", "store/operations"],
  "protocol/codec": ["base", "omnipaxos"],
  "protocol/messages": ["omnipaxos", "store"],
  "protocol/handshake": ["base", "protocol/codec", "protocol/messages"],
  "protocol/peer": ["base", "omnipaxos", "store", "protocol/codec", "protocol/messages", "protocol/handshake"],
  "protocol/client": ["base", "store", "protocol/codec"],
  "protocol/admin": ["base", "store", "protocol/codec"],
  storage: ["base", "machine/ports", "omnipaxos", "protocol/codec", "protocol/messages", "protocol/peer"],
  "storage/backup": ["base", "machine/ports", "omnipaxos", "store", "protocol/messages", "storage"],
  "links/handshake": ["base", "machine/ports", "protocol/codec", "protocol/handshake"],
  links: ["base", "machine/ports", "omnipaxos", "protocol/codec", "protocol/handshake", "protocol/peer", "links/handshake"],
  replica: ["base", "omnipaxos", "store/operations", "store", "protocol/codec", "protocol/messages", "protocol/peer", "protocol/client"],
  "server/config": ["base"],
  "server/gateway": ["base", "machine/ports", "store/operations", "store", "protocol/codec", "protocol/handshake", "protocol/client", "protocol/admin", "links/handshake", "links", "replica"],
  "server/node": ["base", "machine/ports", "omnipaxos", "store", "protocol/messages", "protocol/handshake", "protocol/peer", "protocol/admin", "storage", "links/handshake", "links", "replica", "server/gateway"],
  "server/dashboard": ["protocol/admin"],
  "server/probes": ["base", "protocol/admin"],
  "server/metrics": ["base", "protocol/admin", "server/node", "server/probes"],
  "server/launch": ["base", "machine/host", "server/config"],
  "server/process": ["base", "machine/ports", "machine/runtime", "machine/tls", "machine/network", "machine/host", "machine/logger", "storage", "server/config", "server/node", "server/dashboard", "server/probes", "server/metrics"],
  "client/scenarios": ["base", "machine/ports"],
  "client/terms": ["base", "machine/ports", "store/operations", "store"],
  "client/core": ["base", "machine/ports", "store/operations", "store", "protocol/codec", "protocol/handshake", "protocol/client", "links/handshake", "client/terms"],
  "client/keys": ["base", "store/operations", "store", "protocol/client", "client/terms", "client/core"],
  "client/txn": ["base", "machine/ports", "store", "client/terms", "client/core", "client/keys"],
  "client/watches": ["base", "machine/ports", "store", "protocol/codec", "protocol/client", "client/terms", "client/core", "client/keys"],
  "client/leases": ["base", "machine/ports", "store", "protocol/client", "client/terms", "client/core", "client/txn"],
  "client/locks": ["base", "machine/ports", "client/terms", "client/txn", "client/watches", "client/leases"],
  client: ["base", "machine/ports", "store", "protocol/client", "client/terms", "client/core", "client/keys", "client/txn", "client/watches", "client/leases", "client/locks"],
  "client/tls": ["base", "machine/tls"],
  "client/diagnostics": ["base", "machine/runtime", "client/core", "client/keys"],
  "client/admin": ["base", "machine/ports", "protocol/codec", "protocol/admin", "client/scenarios", "client/terms", "client/core"],
  "client/api": ["base", "machine/runtime", "machine/tls", "machine/http", "machine/network", "protocol/admin", "client/terms", "client/core", "client/keys", "client/txn", "client/watches", "client/leases", "client/locks", "client", "client/tls", "client/diagnostics", "client/admin"],
  "prompt/terminal": ["base", "client/scenarios"],
  "prompt/commands": ["base", "store", "protocol/admin", "client/scenarios", "client/terms", "client/txn", "client/admin", "prompt/terminal"],
  "prompt/keys": ["base", "client/scenarios", "client/terms", "client/txn", "client/watches", "client/leases", "client/locks", "client", "prompt/terminal", "prompt/commands"],
  "prompt/management": ["base", "protocol/admin", "client/scenarios", "client/terms", "client/admin", "prompt/terminal", "prompt/commands"],
  prompt: ["base", "protocol/handshake", "protocol/admin", "client/scenarios", "client/terms", "client", "client/admin", "prompt/terminal", "prompt/commands", "prompt/keys", "prompt/management"],
  page: ["base", "machine/ports", "protocol/admin", "client/scenarios", "client/terms", "client/watches", "client/leases", "client/locks", "client", "client/admin"],
  measure: ["base", "machine/ports", "machine/runtime", "machine/network", "machine/host", "store", "protocol/messages", "protocol/client", "protocol/admin", "storage", "replica", "server/config", "server/launch", "client/scenarios", "client/terms", "client/core", "client", "client/admin", "client/api"],
  "proof/checker": ["base"],
  "proof/simulator": ["base", "machine/ports", "omnipaxos", "store/operations", "store", "protocol/messages", "protocol/peer", "protocol/client", "storage", "links", "replica", "server/node", "client/terms", "client/core", "client/keys", "proof/checker"],
  "proof/explorer": ["base", "omnipaxos", "store/operations", "store", "protocol/messages", "protocol/peer", "protocol/client", "replica"],
  "proof/harm": ["base", "machine/ports", "machine/runtime", "machine/network", "machine/host", "store", "protocol/handshake", "protocol/peer", "protocol/client", "protocol/admin", "storage", "links/handshake", "server/config", "server/launch", "client/terms", "client/core", "client/txn", "client", "client/tls", "client/admin", "client/api", "measure", "proof/checker"],
  adapters: ["base", "client/terms", "client/txn", "client/locks", "client"],
  embed: ["base", "machine/ports", "machine/runtime", "machine/network", "machine/host", "server/node", "server/process", "client/terms", "client/core", "client", "client/diagnostics", "client/admin", "client/api"],
  bin: ["base", "machine/runtime", "machine/tls", "machine/http", "machine/host", "machine/ports", "storage/backup", "server/config", "server/probes", "server/launch", "server/process", "client/scenarios", "client/tls", "client/locks", "client/api", "prompt/terminal", "prompt/commands", "prompt/management", "prompt", "measure", "proof/checker", "proof/simulator", "proof/explorer"],
};

/**
 * Folders within a room that has one door, from the lowest layer to the highest. A file imports from its own layer and from
 * those before it; what lies in the room itself stands above them all. `operations` and the doors are no layers.
 */
const LAYERS: Record<string, readonly string[]> = {
  store: ["txn", "access", "entries", "history", "keys", "sessions", "snapshots", "apply"],
  replica: [
    ...["requests", "trust", "snapshots", "watches", "turn"],
    ...["writes", "reads", "relay"],
  ],
  bin: ["options", "nodes", "files", "backups", "held"],
};

/** Doors beside `index.ts`: a client needs the bytes of commands, and must not load the state machine. */
const LIGHT_DOORS: Record<string, readonly string[]> = {
  store: [join(SRC, "store/commands/index.ts")],
};

/** Only these may touch the machine. */
const MAY_USE_NODE = [
  "machine/runtime",
  "machine/tls",
  "machine/http",
  "machine/network",
  "machine/host",
  "machine/logger",
  "server/config",
  "server/dashboard",
  "server/probes",
  "server/metrics",
  "server/launch",
  "server/process",
  "prompt/terminal",
  "prompt/commands",
  "prompt",
  "measure",
  "proof/harm",
  "bin",
];
/** Pure functions of node's library that are no I/O. */
const PURE_NODE_MODULES = ["node:crypto", "node:events"];

function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(directory, file));
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

const files = sourceFiles(SRC);
/** The room, or part of one, that a file is in: the longest name in the table that it begins with. */
function folderOf(file: string): string {
  let folder = dirname(relative(SRC, file));
  while (!(folder in MAY_IMPORT) && folder.includes("/")) folder = dirname(folder);
  return folder;
}

/** Files of src, with those that each imports. */
const imports = new Map(
  files.map((file) => [
    file,
    importsOf(readFileSync(file, "utf8"))
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => resolve(dirname(file), specifier)),
  ]),
);

/** Sets of files that import each other, by however many others; types count. */
function circles(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const reach = new Map<string, Set<string>>();
  for (const file of graph.keys()) {
    const seen = new Set<string>();
    const queue = [...(graph.get(file) ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...(graph.get(next) ?? []));
    }
    reach.set(file, seen);
  }
  return [...graph.keys()]
    .filter((file) => reach.get(file)?.has(file) === true)
    .map((file) => relative(ROOT, file));
}

describe("source tree", () => {
  test("every folder has a place in the import table", () => {
    expect([...new Set(files.map(folderOf))].filter((folder) => !(folder in MAY_IMPORT))).toEqual(
      [],
    );
  });

  test("imports point one way only", () => {
    const wrong: string[] = [];
    for (const [file, targets] of imports) {
      const folder = folderOf(file);
      for (const target of targets) {
        const other = folderOf(target);
        if (other !== folder && !MAY_IMPORT[folder]?.includes(other)) {
          wrong.push(`${relative(ROOT, file)} imports ${relative(ROOT, target)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test("within a room imports point one way only, too", () => {
    const wrong: string[] = [];
    for (const [room, layers] of Object.entries(LAYERS)) {
      const here = readdirSync(join(SRC, room), { withFileTypes: true });
      const folders = here.filter((entry) => entry.isDirectory()).map(({ name }) => name);
      const known = [...layers, "operations", "commands"];
      wrong.push(
        ...folders.filter((name) => !known.includes(name)).map((name) => `${room}/${name}`),
      );
      const heightOf = (file: string): number => {
        const [first = "", ...rest] = relative(join(SRC, room), file).split("/");
        return rest.length === 0 ? layers.length : layers.indexOf(first);
      };
      for (const [file, targets] of imports) {
        const height = heightOf(file);
        if (folderOf(file) !== room || height < 0) continue;
        const above = targets.filter((to) => folderOf(to) === room && heightOf(to) > height);
        wrong.push(...above.map((to) => `${relative(ROOT, file)} imports ${relative(ROOT, to)}`));
      }
    }
    expect(wrong).toEqual([]);
  });

  test("a layer imports only layers below it", () => {
    const order = Object.keys(MAY_IMPORT);
    const up = Object.entries(MAY_IMPORT).flatMap(([folder, may]) =>
      may
        .filter((target) => order.indexOf(target) >= order.indexOf(folder))
        .map((target) => `${folder}: ${target}`),
    );
    expect(up).toEqual([]);
  });

  test("rooms do not import each other, whatever their parts do", () => {
    const roomOf = (folder: string): string => folder.split("/")[0] ?? "";
    const rooms = new Map<string, string[]>();
    for (const [folder, may] of Object.entries(MAY_IMPORT)) {
      const room = roomOf(folder);
      const others = may.map(roomOf).filter((other) => other !== room);
      rooms.set(room, [...(rooms.get(room) ?? []), ...others]);
    }
    expect(circles(rooms).map((room) => basename(room))).toEqual([]);
  });

  test("no permission to import is unused", () => {
    const used = new Map<string, Set<string>>();
    for (const [file, targets] of imports) {
      const folder = folderOf(file);
      for (const target of targets) {
        used.set(folder, (used.get(folder) ?? new Set()).add(folderOf(target)));
      }
    }
    const unused = Object.entries(MAY_IMPORT).flatMap(([folder, may]) =>
      may
        .filter((target) => used.get(folder)?.has(target) !== true)
        .map((to) => `${folder}: ${to}`),
    );
    expect(unused).toEqual([]);
  });

  test("no file imports itself, by however many others", () => {
    expect(circles(imports)).toEqual([]);
  });

  test("docs/architecture.md has the same table", () => {
    const text = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
    const told = new Map<string, string>();
    for (const [, folder = "", may = ""] of text.matchAll(
      /^\| `([a-z/]+)` +\|(?:[^|]*\|)*? ([^|]*) \|$/gm,
    )) {
      told.set(folder, may.replaceAll("`", "").trim());
    }
    const known = Object.entries(MAY_IMPORT).map(([folder, may]) => [
      folder,
      may.length === 0 ? "nothing" : may.join(", "),
    ]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(known));
  });

  test("only the outer folders touch the machine", () => {
    const wrong: string[] = [];
    for (const file of files) {
      if (MAY_USE_NODE.includes(folderOf(file))) continue;
      for (const specifier of importsOf(readFileSync(file, "utf8"))) {
        const machine = specifier.startsWith("node:") && !PURE_NODE_MODULES.includes(specifier);
        if (machine || specifier === "ws")
          wrong.push(`${relative(ROOT, file)} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("a room is entered by its door only", () => {
    const wrong: string[] = [];
    for (const [file, targets] of imports) {
      const folder = folderOf(file);
      for (const target of targets) {
        const other = folderOf(target);
        const doors = [join(SRC, other, "index.ts"), ...(LIGHT_DOORS[other] ?? [])];
        if (other !== folder && !doors.includes(target)) {
          wrong.push(`${relative(ROOT, file)} imports ${relative(ROOT, target)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test("nobody in a room goes out and in again by its door", () => {
    const wrong = [...imports].filter(([file, targets]) =>
      targets.includes(join(SRC, folderOf(file), "index.ts")),
    );
    expect(wrong.map(([file]) => relative(ROOT, file))).toEqual([]);
  });

  test("a room with layers tells them in its README, from the lowest to the highest", () => {
    const told = Object.keys(LAYERS).map((room) => [
      room,
      [...readFileSync(join(SRC, room, "README.md"), "utf8").matchAll(/^\| `([a-z]+)` /gm)]
        .map(([, name = ""]) => name)
        .filter((name) => name !== "operations"),
    ]);
    expect(Object.fromEntries(told)).toEqual(LAYERS);
  });

  test("every room says what it is, and where to begin", () => {
    const rooms = new Set(Object.keys(MAY_IMPORT).map((folder) => folder.split("/")[0] ?? ""));
    const silent = [...rooms].filter((room) => !existsSync(join(SRC, room, "README.md")));
    expect(silent).toEqual([]);
  });

  test("the page never makes markup of text", () => {
    const ways =
      /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/;
    const wrong = files.filter(
      (file) => folderOf(file) === "page" && ways.test(readFileSync(file, "utf8")),
    );
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([]);
  });

  test("no time-out can be collected before its time: timeLimit, anySignal", () => {
    const ways = /AbortSignal\.(?:any|timeout)\(/;
    const wrong = files.filter((file) => ways.test(readFileSync(file, "utf8")));
    expect(wrong.map((file) => relative(ROOT, file))).toEqual([]);
  });

  test("nothing is left behind", () => {
    const marks = new RegExp(["FIX" + "ME", "TO" + "DO", "X" + "XX", "\\.on" + "ly\\("].join("|"));
    const left = [...files, ...sourceFiles(join(ROOT, "test"))].filter((file) =>
      marks.test(readFileSync(file, "utf8")),
    );
    expect(left.map((file) => relative(ROOT, file))).toEqual([]);
  });
});
