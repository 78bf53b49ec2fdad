/** The management prompt: what is asked of which node, and how the answers read. */
import { PassThrough, Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { adminTable } from "../../src/prompt/management/admin-commands.ts";
import { createAdminPrompt } from "../../src/prompt/admin-prompt.ts";
import type { AdminCalls } from "../../src/prompt/management/cluster-options.ts";
import { allCommands, parseCommand } from "../../src/prompt/terminal/command-table.ts";
import { complete } from "../../src/prompt/terminal/complete.ts";
import { EXIT } from "../../src/prompt/terminal/exit-status.ts";
import { runPrompt } from "../../src/prompt/terminal/run-prompt.ts";
import { plainStyle } from "../../src/prompt/terminal/style.ts";
import { tokenize } from "../../src/prompt/terminal/tokenize.ts";
import { linkTo, statusOf } from "./admin-fixtures.ts";

interface Call {
  readonly node: number;
  readonly op: string;
  readonly params: object;
}

/** @param answers by operation; a KvError is thrown */
async function run(command: string, answers: Readonly<Record<string, unknown>>, json = false) {
  const calls: Call[] = [];
  const client: AdminCalls = {
    call: (node, op, params) => {
      calls.push({ node, op, params });
      const answer = answers[`${node} ${op}`] ?? answers[op];
      return answer instanceof KvError ? Promise.reject(answer) : Promise.resolve(answer as never);
    },
  };
  let time = 0;
  const prompt = createAdminPrompt({
    client,
    nodes: [1, 2, 3].map((id) => ({ id, host: "127.0.0.1", port: 4100 + id })),
    timeoutMs: 5000,
    style: plainStyle,
    startCommand: (node) => `sh run${node}.sh`,
    now: () => (time += 1),
    sleep: () => Promise.resolve(),
    servers: null,
  });
  const output = new PassThrough();
  const errors = new PassThrough();
  const status = await runPrompt(prompt, {
    input: Readable.from([]),
    output,
    errors,
    isTerminal: false,
    command,
    json,
    bail: false,
    promptText: "> ",
    greeting: "",
    historyPath: null,
    signal: new AbortController().signal,
  });
  output.end();
  errors.end();
  return { calls, status, out: await readAll(output), err: await readAll(errors) };
}

const healthy = { links: [linkTo(2), linkTo(3)] };

describe("get_links", () => {
  test("says which links are broken, and the state of all", async () => {
    const links = [
      linkTo(2, {
        brokenIn: true,
        brokenOut: true,
        dropPermilleIn: 1000,
        dropPermilleOut: 1000,
        droppedIn: 4,
        droppedOut: 7,
      }),
      linkTo(3, { brokenOut: true, state: "down", reason: "connection refused", sinceMs: 2500 }),
    ];
    const { out, calls, status } = await run("1 get_links 0", { getLinks: { links } });
    expect(calls[0]).toEqual({ node: 1, op: "getLinks", params: {} });
    // And the other ends, which may be broken there.
    expect(calls.slice(1).map(({ node, op }) => `${node} ${op}`)).toEqual([
      "2 getLinks",
      "3 getLinks",
    ]);
    expect(out.split("\n")).toEqual([
      "node 1: broken links: 2, 3 (out) (1.0 ms)",
      "  to node 2  broken on purpose        127.0.0.1:4202 · socket up for 1 min 5 s · round trip 0.2 ms · dropped 4 in, 7 out",
      "  to node 3  broken on purpose (out)  127.0.0.1:4203 · socket down for 2.5 s: connection refused",
      "",
    ]);
    expect(status).toBe(EXIT.ok);
  });

  test("needs no argument, and a peer shows one link only", async () => {
    const { out } = await run("1 get_links; 1 get_links 3", { getLinks: healthy });
    expect(out).toContain("node 1: no broken links (1.0 ms)\n  to node 2  connected");
    expect(out.match(/to node 2/g)).toHaveLength(1);
    expect(out.match(/to node 3/g)).toHaveLength(2);
  });

  test("shows what was broken at the other end, seen from here", async () => {
    const broken = linkTo(1, { brokenOut: true });
    const answers = {
      "1 getLinks": healthy,
      "2 getLinks": { links: [broken, linkTo(3, { brokenIn: true })] },
      "3 getLinks": { links: [linkTo(1, { brokenIn: true, brokenOut: true })] },
    };
    const { out } = await run("1 get_links", answers);
    expect(out.split("\n").slice(0, 3)).toEqual([
      "node 1: broken links: 2 (in, there), 3 (there) (1.0 ms)",
      "  to node 2  broken on purpose (in, there)  127.0.0.1:4202 · for 1 min 5 s · round trip 0.2 ms",
      "  to node 3  broken on purpose (there)      127.0.0.1:4203 · for 1 min 5 s · round trip 0.2 ms",
    ]);
    const told = await run("1 get_links 2", answers, true);
    expect(JSON.parse(told.out)).toMatchObject({
      links: [{ peer: 2, brokenIn: false, there: { brokenIn: false, brokenOut: true } }],
    });
    // One way here, the other way there: nothing gets through, as the table of `status` says.
    const both = await run("1 get_links 2", {
      "1 getLinks": { links: [linkTo(2, { brokenIn: true })] },
      "2 getLinks": { links: [linkTo(1, { brokenIn: true })] },
    });
    expect(both.out).toContain("node 1: broken links: 2 (1.0 ms)");
    // Nobody needs a third node for a link between two.
    expect(told.calls.map(({ node }) => node)).toEqual([1, 2]);
  });

  test("of a node to itself there is none", async () => {
    const { err, status } = await run("1 get_links 1", { getLinks: healthy });
    expect([err, status]).toEqual(["node 1 has no link to itself (1.0 ms)\n", EXIT.failed]);
  });

  test("an end that does not answer spoils nothing", async () => {
    const answers = {
      "1 getLinks": healthy,
      "2 getLinks": new KvError("TIMEOUT", "no answer"),
      "3 getLinks": { links: [linkTo(1)] },
    };
    const { out, status } = await run("1 get_links", answers, true);
    expect(JSON.parse(out)).toMatchObject({
      links: [
        { peer: 2, there: null },
        { peer: 3, there: { brokenIn: false, brokenOut: false } },
      ],
    });
    expect(status).toBe(EXIT.ok);
  });

  test("tells losses and delays", async () => {
    const links = [linkTo(2, { dropPermilleIn: 100, delayMsIn: 50, delayMsOut: 50 })];
    const { out } = await run("1 get_links", { getLinks: { links } });
    expect(out).toContain("loses 10 % in, 0 % out · delays 50 ms");
  });
});

describe("changes of links", () => {
  test("name peer and direction", async () => {
    const answers = {
      ...{ breakLink: healthy, restoreLink: healthy, setFault: healthy, heal: healthy },
      getLinks: healthy,
    };
    const { calls, out, status } = await run(
      "1 break_link 2; 1 break_link 3 --in; 1 restore_link 2 --out; 2 set_fault 3 --drop 2.5 --delay 40; all heal",
      answers,
    );
    expect(calls).toEqual([
      { node: 1, op: "breakLink", params: { peer: 2, direction: "both" } },
      { node: 1, op: "breakLink", params: { peer: 3, direction: "in" } },
      { node: 1, op: "restoreLink", params: { peer: 2, direction: "out" } },
      // Whether it is whole now.
      { node: 2, op: "getLinks", params: {} },
      {
        node: 2,
        op: "setFault",
        params: { peer: 3, direction: "both", dropPermille: 25, delayMs: 40 },
      },
      { node: 1, op: "heal", params: {} },
      { node: 2, op: "heal", params: {} },
      { node: 3, op: "heal", params: {} },
    ]);
    expect(out.split("\n").slice(0, 2)).toEqual([
      "node 1: ok, the link to node 2 is broken both ways (1.0 ms)",
      "node 1: ok, the link to node 3 is broken, what comes in only (1.0 ms)",
    ]);
    expect(status).toBe(EXIT.ok);
  });

  test("by all leave out the peer itself", async () => {
    const { calls } = await run("all break_link 2; all restore_link 3", {
      breakLink: healthy,
      restoreLink: healthy,
      getLinks: healthy,
    });
    const changes = calls.filter(({ op }) => op !== "getLinks");
    expect(changes.map(({ node }) => node)).toEqual([1, 3, 1, 2]);
  });

  test("that leave a link broken at its other end say so, and how to mend that", async () => {
    const { out } = await run("1 restore_link 2; 1 restore_link 3", {
      restoreLink: healthy,
      "2 getLinks": { links: [linkTo(1, { brokenIn: true })] },
      "3 getLinks": { links: [linkTo(1)] },
    });
    expect(out.split("\n").slice(0, 2)).toEqual([
      "node 1: ok, the link to node 2 is restored both ways, here; it is still broken at node 2 (`2 restore_link 1`) (1.0 ms)",
      "node 1: ok, the link to node 3 is restored both ways (1.0 ms)",
    ]);
  });

  test("that are not allowed, or whose outcome is unknown, say so", async () => {
    const forbidden = await run("1 heal", { heal: new KvError("FORBIDDEN", "not here") });
    expect(forbidden).toMatchObject({ status: EXIT.failed, out: "" });
    expect(forbidden.err).toContain("not here");
    const lost = await run("1 heal", { heal: new KvError("CONNECTION_LOST", "lost") });
    expect(lost.status).toBe(EXIT.unknown);
    expect(lost.err).toContain("unknown: it may or may not have taken effect");
    expect(lost.err).toContain("`1 get_links` shows how it is");
  });
});

describe("status", () => {
  test("tells role, leader, ballots, indexes, phase and uptime", async () => {
    const follower = statusOf(2, {
      role: "follower",
      leader: 1,
      standing: "following",
      ballot: { configId: 1, n: 3, priority: 0, pid: 2 },
      promise: { configId: 1, n: 4, priority: 0, pid: 1 },
    });
    const { out } = await run("1 status; 2 status", {
      "1 status": statusOf(1),
      "2 status": follower,
    });
    expect(out).toContain("node 1: leader, phase accept, hears a majority, serves requests");
    expect(out).toContain("node 2: follower of node 1");
    expect(out).toContain("promised ballot 4.0.1 · own ballot 3.0.2");
    expect(out).toContain("decided 12 · accepted 13 · applied 12 · compacted 2");
    expect(out).toContain("1 key at revision 9 · 3 clients · up 3 h 0 min");
  });

  test("of all shows who is down, with the status of the worst", async () => {
    const { out, err, status } = await run("all status", {
      status: statusOf(1),
      "3 status": new KvError("CONNECTION_FAILED", "refused"),
    });
    expect(out.match(/leader/g)).toHaveLength(2);
    expect(err).toContain("node 3 does not answer at 127.0.0.1:4103: start it with `sh run3.sh`");
    expect(status).toBe(EXIT.unavailable);
  });

  test("as JSON has every field", async () => {
    const { out } = await run("1 status", { status: statusOf(1) }, true);
    expect(JSON.parse(out)).toEqual({ ok: true, node: 1, op: "status", ...statusOf(1), ms: 1 });
  });
});

describe("the table", () => {
  const table = adminTable([1, 2, 3]);
  const parse = (line: string) => parseCommand(table, tokenize(line)[0] ?? []);

  test("has examples that parse", () => {
    for (const { name, examples } of allCommands(table)) {
      for (const example of examples) expect(parse(example)).toMatchObject({ name });
    }
  });

  test.each([
    ["1 break_link", "break_link: too few arguments: 1 break_link PEER [--in|--out]"],
    ["1 break_link 9", 'PEER is one of 1, 2, 3, got "9"'],
    ["1 break_links 2", 'did you mean "break_link"?'],
    ["1 cut 2", 'did you mean "break_link"?'],
    ["1 set_fault 2 --drop 101", "--drop takes a number from 0 to 100"],
    ["any status", '"any" is no node here'],
  ])("refuses %j with what to type", (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  test("completes peers, and never the node itself", () => {
    expect(complete(table, "1 break_link ")[0]).toEqual(["2", "3", "--in", "--out"]);
    expect(complete(table, "all sta")[0]).toEqual(["status "]);
  });
});

describe("settings of the cluster", () => {
  const history = {
    ...{ revisions: null, bytes: 4096, revisionsMax: 50_000, bytesMax: 4096 },
    ...{ oldest: 7, revision: 9, keptBytes: 420 },
  };
  const getSettings = { quotaBytes: 2 ** 29, quotaIsSet: true, quotaDefault: 2 ** 28, history };

  test("are listed with what is the default, by whichever node answers", async () => {
    const down = new KvError("CONNECTION_FAILED", "refused");
    const { out, calls } = await run("config list", { "1 getSettings": down, getSettings });
    expect(out).toMatch(
      /^quota +536870912 {2}set .*\nhistory.revisions +50000 {2}default .*\nhistory.bytes +4096 {2}set /,
    );
    expect(calls.map(({ node }) => node)).toEqual([1, 2]);
    const { out: one } = await run("config get quota", { getSettings }, true);
    expect(JSON.parse(one)).toMatchObject({
      ...{ ok: true, op: "config" },
      settings: [{ name: "quota", value: 2 ** 29, isDefault: false }],
    });
  });

  test("are set one by one; the other one of the history stays", async () => {
    const answers = { getSettings, setHistory: history, setQuota: {} };
    for (const [command, params] of [
      ["config set history.revisions 1000", { revisions: 1000, bytes: 4096 }],
      ["config set history.bytes default", { revisions: null, bytes: null }],
    ] as const) {
      const { calls } = await run(command, answers);
      expect(calls.find(({ op }) => op === "setHistory")?.params).toEqual(params);
    }
    const { calls } = await run("config set quota default", answers);
    expect(calls.find(({ op }) => op === "setQuota")?.params).toEqual({ bytes: 2 ** 28 });
  });

  test("are set by what a quorum confirms, and shown as the node has them that did it", async () => {
    // Node 1 is cut off, and has not heard of the bound that was set before.
    const old = { ...getSettings, confirmed: false };
    const now = { ...history, revisions: 1_000_000, revisionsMax: 1_000_000 };
    const answers = {
      "1 getSettings": old,
      getSettings: { ...getSettings, confirmed: true, history: now },
      "2 setHistory": new KvError("NO_QUORUM", "cut off since", { definite: true }),
      setHistory: now,
    };
    const { out, calls, status } = await run("config set history.bytes 2g", answers);
    expect(calls.map(({ node, op }) => `${node} ${op}`)).toEqual([
      ...["1 getSettings", "2 getSettings", "2 setHistory", "1 setHistory", "1 getSettings"],
      "2 getSettings",
    ]);
    expect(calls[2]?.params).toEqual({ revisions: 1_000_000, bytes: 2 ** 31 });
    expect([out.includes("history.bytes"), status]).toEqual([true, EXIT.ok]);
  });

  test("are not set by what nobody confirms, and are shown with a remark", async () => {
    const old = { ...getSettings, confirmed: false };
    const { err, calls, status } = await run("config set history.bytes 2g", { getSettings: old });
    expect(err).toContain("reaches a leader with a quorum; nothing was changed");
    expect([calls.some(({ op }) => op === "setHistory"), status]).toEqual([
      false,
      EXIT.unavailable,
    ]);
    const down = new KvError("TIMEOUT", "late", { definite: false });
    const shown = await run("config list", { "1 getSettings": down, getSettings: old });
    expect(shown.out).toContain("as node 2 has them: no quorum confirms it");
    expect(shown.status).toBe(EXIT.ok);
  });

  test("that were set are not called refused when no node tells them afterwards", async () => {
    let asked = 0;
    const answers = {
      get getSettings(): unknown {
        asked += 1;
        return asked === 1 ? getSettings : new KvError("CONNECTION_FAILED", "refused");
      },
      setQuota: {},
    };
    const { out, status } = await run("config set quota 2g", answers);
    expect(out).toContain("quota is set, as node 1 has answered");
    expect(status).toBe(EXIT.ok);
  });

  test.each([
    ["config set quota 5", /quota is 1m or more.*got "5"/],
    ["config set quota 99999999999g", /quota is at most 1048576g, got "99999999999g"/],
    ["config set history.bytes 9999999999999999999", /history\.bytes is at most 1048576g/],
    ["config set history.bytes 0", /history\.bytes is 1 or more/],
    ["user add 'a b'", /NAME is 1 to 128 characters that are printable ASCII, .*got "a b"/],
    ["user grant-role ann 'a b'", /ROLE is 1 to 128 characters/],
    ["role grant 'ä' read k", /ROLE is 1 to 128 characters/],
    ["config set history.revisions 0", /positive integer up to/],
    ["config set speed 3", /NAME is one of quota, history.revisions, history.bytes, got "speed"/],
    ["config get", /list, get NAME, or set NAME VALUE/],
    ["compact now", /REVISION is a positive integer, got "now"/],
  ])("%s is refused before anything is asked", async (command, text) => {
    const { err, calls, status } = await run(command, {});
    expect(err).toMatch(text);
    expect([calls, status]).toEqual([[], EXIT.usage]);
  });

  test("compact says what can be read then; what may have happened is said so", async () => {
    const { out } = await run("compact 7", { compact: history });
    expect(out).toMatch(/^ok, revisions 7 to 9 can be read \(/);
    const late = new KvError("TIMEOUT", "it was proposed");
    const { err, calls, status } = await run("compact 7", { compact: late });
    expect(err).toContain("unknown: it may or may not have taken effect");
    expect(err).toContain("`config list` shows how it is");
    expect([calls.length, status]).toEqual([1, EXIT.unknown]);
  });
});

describe("users and roles", () => {
  const user = (name: string, roles: string[], hasPassword = true) => ({
    name,
    roles,
    hasPassword,
  });
  const key = new TextEncoder().encode("a");
  const permissions = [
    { may: "read", start: key, end: null },
    { may: "both", start: key, end: Uint8Array.of(...key, 0) },
  ];
  const getAccess = {
    users: [user("ann", ["shop", "till"]), user("administrator", [], false)],
    roles: [
      { name: "shop", permissions },
      { name: "newcomers", permissions: [] },
    ],
  };

  test("are listed in columns, and how many they are is not among the lines", async () => {
    const { out, err } = await run("user list; role list", { getAccess });
    expect(out.split("\n")).toEqual([
      "ann            shop, till",
      "administrator  no role (no password)",
      'shop       read  from "a" on',
      '           both  key "a"',
      "newcomers  may do nothing yet",
      "",
    ]);
    expect(err).toMatch(/^2 users \([^)]*ms\)\n2 roles \([^)]*ms\)\n$/);
    const none = await run("user list", { getAccess: { users: [], roles: [] } });
    expect([none.out, none.err]).toEqual(["", expect.stringMatching(/^no users \(/)]);
  });

  test("what cannot be changed is named, and is still a failure", async () => {
    const changeAccess = new KvError("BAD_REQUEST", "there is no such role, or the user does not");
    const { err, status } = await run("role grant nosuch read x", { changeAccess });
    expect(err).toMatch(/^there is no role nosuch \(/);
    expect(status).toBe(EXIT.failed);
  });
});
