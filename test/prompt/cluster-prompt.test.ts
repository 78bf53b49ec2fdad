/** Commands for the whole cluster: what every node is told, and what the user is. */
import { DeleteEvent } from "../../src/client/watches/watch-types.ts";
import type { Outcome } from "../../src/prompt/terminal/outcome.ts";
import { runCommand } from "../../src/prompt/terminal/prompt.ts";
import { PassThrough, Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { KvError } from "../../src/base/errors.ts";
import { wrongPortText } from "../../src/base/wrong-port.ts";
import { createAdminPrompt } from "../../src/prompt/admin-prompt.ts";
import { createClientPrompt } from "../../src/prompt/client-prompt.ts";
import type { AdminCalls, ServerControl } from "../../src/prompt/management/cluster-options.ts";
import { allCommands, parseCommand } from "../../src/prompt/terminal/command-table.ts";
import { EXIT } from "../../src/prompt/terminal/exit-status.ts";
import { helpText } from "../../src/prompt/terminal/help.ts";
import { runPrompt } from "../../src/prompt/terminal/run-prompt.ts";
import { createStartPrompt } from "../../src/prompt/start-prompt.ts";
import { plainStyle } from "../../src/prompt/terminal/style.ts";
import { tokenize } from "../../src/prompt/terminal/tokenize.ts";
import type { AdminStatus } from "../../src/protocol/admin/admin.ts";
import { linkTo, statusOf } from "./admin-fixtures.ts";
import { fakeClient } from "./fake-client.ts";

interface World {
  readonly nodes: readonly number[];
  leader: number | null;
  /** Instead of an answer. */
  readonly errors: Map<number, KvError>;
  readonly statuses: Map<number, Partial<AdminStatus>>;
  /** What each node was told last. */
  readonly faults: Map<number, unknown>;
  /** Called whenever time is to pass. */
  onSleep: (nowMs: number) => void;
}

function worldOf(nodes: readonly number[], leader: number | null): World {
  return {
    nodes,
    leader,
    errors: new Map(),
    statuses: new Map(),
    faults: new Map(),
    onSleep: () => {},
  };
}

/** Time passes, at once, when everything waits for it. */
function promptOf(world: World, servers: ServerControl | null = null) {
  let now = 0;
  const sleeping = new Set<{ readonly due: number; readonly wake: () => void }>();
  const passTime = (): void => {
    const [next] = [...sleeping].sort((a, b) => a.due - b.due);
    if (next === undefined) return;
    now = next.due;
    world.onSleep(now);
    next.wake();
    setImmediate(passTime);
  };
  const client: AdminCalls = {
    call: (node, op, params) => {
      const error = world.errors.get(node);
      if (error !== undefined) return Promise.reject(error);
      if (op !== "status" && op !== "getLinks") world.faults.set(node, params);
      const status = statusOf(node, {
        role: node === world.leader ? "leader" : "follower",
        leader: world.leader,
        standing: node === world.leader ? "leading" : "following",
        links: world.nodes.filter((peer) => peer !== node).map((peer) => linkTo(peer)),
        ...world.statuses.get(node),
      });
      return Promise.resolve((op === "status" ? status : { links: status.links }) as never);
    },
  };
  const common = {
    nodes: world.nodes.map((id) => ({ id, host: "127.0.0.1", port: 4100 + id })),
    timeoutMs: 5000,
    style: plainStyle,
    startCommand: (node: number) => `sh run${node}.sh`,
    now: () => now,
  };
  const manage = createAdminPrompt({
    ...common,
    client,
    servers,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = (): void => {
          sleeping.delete(sleep);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const sleep = { due: now + ms, wake };
        if (sleeping.size === 0) setImmediate(passTime);
        sleeping.add(sleep);
        signal.addEventListener("abort", wake);
      }),
  });
  return { common, manage };
}

async function run(command: string, world: World, json = false, servers?: ServerControl) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const status = await runPrompt(promptOf(world, servers).manage, {
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
  return { status, out: await readAll(output), err: await readAll(errors) };
}

/** "1-2 1-3": links that a node was told to break both ways, of all nodes. */
function broken(world: World): string {
  const links = [...world.faults].flatMap(([node, params]) =>
    (params as { faults: { peer: number; direction: string }[] }).faults
      .filter(({ direction }) => direction === "out")
      .map(({ peer }) => `${Math.min(node, peer)}-${Math.max(node, peer)}`),
  );
  return [...new Set(links)].sort().join(" ");
}

describe("scenarios", () => {
  test.each([
    ["partition 1,2 | 3", "1-3 2-3", "groups 1,2 | 3; node 1 keeps the lead"],
    ["partition 1 2|3", "1-3 2-3", "groups 1,2 | 3; node 1 keeps the lead"],
    ["partition 1", "1-2 1-3", "groups 1 | 2,3; node 2 or 3 can lead"],
    ["isolate 2", "1-2 2-3", "node 2 is alone; node 1 keeps the lead"],
    ["isolate leader", "1-2 1-3", "node 1 is alone; node 2 or 3 can lead"],
    ["chain", "1-3", "a line: 1 – 2 – 3; node 1 keeps the lead"],
    ["chain 3-1-2", "2-3", "a line: 3 – 1 – 2; node 1 keeps the lead"],
    ["chain 3 1 2", "2-3", "a line: 3 – 1 – 2; node 1 keeps the lead"],
    ["quorum-loss", "1-3", "every node hears only node 2"],
    ["quorum-loss 3", "1-2", "every node hears only node 3"],
    ["constrained 3", "1-2 1-3", "node 2 or 3 can lead"],
    ["cloudflare", "1-3", "nodes 1 and 3 lose each other, the others see both"],
    ["cloudflare 2-3", "2-3", "nodes 2 and 3 lose each other"],
    ["ring", "", "a ring: 1 – 2 – 3 – 1; node 1 keeps the lead"],
    ["full-partition", "1-2 1-3", "groups 1 | 2,3; node 2 or 3 can lead"],
    ["heal", "", "all links are whole"],
  ])("%s", async (command, links, words) => {
    const world = worldOf([1, 2, 3], 1);
    const { out, status } = await run(command, world);
    expect(out).toContain(`ok, `);
    expect(out).toContain(words);
    expect(new Set(world.faults.keys())).toEqual(new Set([1, 2, 3]));
    expect(broken(world)).toBe(links);
    expect(status).toBe(EXIT.ok);
  });

  test("who could not be told is said, with the reason, and counts for nobody", async () => {
    const world = worldOf([1, 2, 3], 1);
    world.errors.set(3, new KvError("CONNECTION_FAILED", "refused"));
    const { out, err, status } = await run("isolate 2", world);
    expect(out).toBe("");
    expect(err.split("\n")).toEqual([
      "done on nodes 1, 2 only: node 2 is alone; no node can lead: writes wait until links are healed",
      "  not told: node 3 does not answer at 127.0.0.1:4103 (`sh run3.sh` starts it) (0.0 ms)",
      "",
    ]);
    expect(status).toBe(EXIT.unavailable);
  });

  test("a node that may have heard it makes the outcome unknown; one that forbids it a failure", async () => {
    const world = worldOf([1, 2, 3], 1);
    world.errors.set(2, new KvError("TIMEOUT", "late"));
    const late = await run("heal", world);
    expect(late.err).toContain("node 2 did not answer within 2 s");
    expect(late.status).toBe(EXIT.unknown);
    for (const node of world.nodes) {
      world.errors.set(node, new KvError("FORBIDDEN", `node ${node} was started without`));
    }
    const forbidden = await run("heal", world);
    expect(forbidden.err).toContain("nothing was done: node 1 was started without; node 2");
    expect(forbidden.status).toBe(EXIT.failed);
  });

  test("without a leader no part is given to anyone, and no link is touched", async () => {
    const world = worldOf([1, 2, 3], null);
    const { err, status } = await run("chain; isolate leader", world);
    expect(err.match(/no node leads now: `heal`, then `wait-leader`/g)).toHaveLength(2);
    expect(status).toBe(EXIT.unavailable);
    expect(world.faults.size).toBe(0);
    expect((await run("partition 1 | 2,3", world)).status).toBe(EXIT.ok);
  });

  test("a node whose port for nodes was named is not said to be down", async () => {
    const world = worldOf([1, 2, 3], 1);
    world.errors.set(3, new KvError("CONNECTION_FAILED", `x: ${wrongPortText("clients", 404)}`));
    expect((await run("status", world)).out).toContain(
      "cannot be reached at 127.0.0.1:4103: what listens there answers with HTTP status 404",
    );
  });

  test("when no node answers it is said of each", async () => {
    const world = worldOf([1, 2, 3], null);
    for (const node of world.nodes) world.errors.set(node, new KvError("CONNECTION_FAILED", "x"));
    const { err, status } = await run("chain", world);
    expect(err).toContain("no node answers: node 1 does not answer at 127.0.0.1:4101");
    expect(status).toBe(EXIT.unavailable);
  });

  test("JSON tells links, roles, and who was reached", async () => {
    const world = worldOf([1, 2, 3, 4, 5], 5);
    world.errors.set(4, new KvError("CONNECTION_FAILED", "refused"));
    const { out } = await run("quorum-loss 2; partition 1,2,3", world, true);
    const [first, second] = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(first).toMatchObject({
      ok: false,
      op: "quorum-loss",
      leader: 5,
      canLead: [2],
      reached: [1, 2, 3, 5],
      failed: [{ node: 4, code: "CONNECTION_FAILED", message: "refused" }],
      code: "CONNECTION_FAILED",
      definite: false,
      retryable: true,
    });
    expect(second).toMatchObject({ op: "partition", canLead: [1, 2, 3] });
  });
});

describe("flaky and delay", () => {
  test("change the links that are named, in the directions that are named", async () => {
    const world = worldOf([1, 2, 3], 1);
    const { out } = await run("flaky 1-2 30%; delay 2-3,1-3 50ms", world);
    expect(out).toContain("ok, link 1-2 loses 30 % of its messages");
    expect(out).toContain("ok, links 2-3, 1-3 delay messages by 50 ms each way");
    const oneWay = worldOf([1, 2, 3], 1);
    await run('flaky "1>2" 100%', oneWay);
    expect([...oneWay.faults]).toEqual([
      [1, { peer: 2, direction: "out", dropPermille: 1000, delayMs: 0 }],
      [2, { peer: 1, direction: "in", dropPermille: 1000, delayMs: 0 }],
    ]);
    const all = await run("delay all 0", world);
    expect(all.out).toContain("ok, all links delay nothing");
  });
});

describe("status", () => {
  test("is a table of all nodes, with who is silent and why", async () => {
    const world = worldOf([1, 2, 3], 2);
    world.errors.set(3, new KvError("CONNECTION_FAILED", "refused"));
    world.statuses.set(1, {
      quorumConnected: false,
      standing: "cutOff",
      links: [linkTo(2, { brokenIn: true, brokenOut: true }), linkTo(3, { brokenOut: true })],
    });
    world.statuses.set(2, {
      links: [linkTo(1, { dropPermilleOut: 300, delayMsOut: 50 }), linkTo(3, { state: "down" })],
    });
    const { out, err, status } = await run("status", world);
    expect(out.split("\n")).toEqual([
      "node  role     leader  ballot  decided  applied  majority   keys  up         links",
      "   1  cut off  2       4.0.1        12       12  NOT heard     1  3 h 0 min  broken 2, 3 (out)",
      "   2  leader   2       4.0.2        12       12  heard         1  3 h 0 min  broken 1 (there) · to 1 30 % lost · to 1 +50 ms · down 3",
      "   3  does not answer at 127.0.0.1:4103 (`sh run3.sh` starts it)",
      "node 2 leads",
      "",
    ]);
    expect(err).toBe("");
    expect(status).toBe(EXIT.unavailable);
  });

  test("tells a leader that was replaced from the one that leads", async () => {
    const world = worldOf([1, 2, 3], 1);
    const promise = { configId: 1, n: 9, priority: 0, pid: 3 };
    world.statuses.set(3, { role: "leader", leader: 3, promise });
    const { out } = await run("status", world);
    expect(out).toMatch(/1 {2}was leader/);
    expect(out).toContain("node 3 leads");
    const parsed = JSON.parse((await run("status", world, true)).out) as { nodes: object[] };
    expect(parsed).toMatchObject({ ok: true, op: "status", leader: 3 });
    expect(parsed.nodes).toHaveLength(3);
  });

  test("names alarms below the table, and ends with status 1", async () => {
    const world = worldOf([1, 2, 3], 1);
    const alarm = { kind: "diverged" as const, peer: 3, agreedIdx: 64, differsIdx: 70 };
    world.statuses.set(1, { alarms: [{ ...alarm, refuses: false }] });
    world.statuses.set(2, { alarms: [{ ...alarm, agreedIdx: null, refuses: true }] });
    const { out, err, status } = await run("status", world);
    expect(out.split("\n").slice(4)).toEqual([
      "node 1 leads",
      "ALARM: node 1: its state is not that of node 3 (by log index the same at 64, different at 70); is with the majority and goes on",
      "ALARM: node 2: its state is not that of node 3 (by log index different at 70); refuses clients until a majority is known; keep every data directory, and start all nodes",
      "",
    ]);
    expect(err).toBe("");
    expect(status).toBe(EXIT.failed);
    const single = await run("2 status", world);
    expect(single.out).toContain("\n  ALARM: its state is not that of node 3");
    expect(single.status).toBe(EXIT.failed);
    const json = await run("1 status", world, true);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: true,
      alarms: [{ ...alarm, refuses: false }],
    });
    expect(json.status).toBe(EXIT.failed);
  });
});

describe("watch", () => {
  test("says when an alarm is raised and when it ends", async () => {
    const world = worldOf([1, 2, 3], 1);
    world.onSleep = (now) => {
      const alarm = { kind: "diverged" as const, peer: 3, agreedIdx: 64, differsIdx: 70 };
      const raised = now > 2000 && now < 4000;
      world.statuses.set(2, { alarms: raised ? [{ ...alarm, refuses: false }] : [] });
    };
    const { out } = await run("watch 10", world);
    expect(out).toMatch(
      /ALARM: node 2: its state is not that of node 3 .*\n.*node 2: no alarm any more/,
    );
  });

  const busy = (world: World): void => {
    world.onSleep = (now) => {
      if (now < 2000) return;
      world.leader = 2;
      world.statuses.set(1, {
        quorumConnected: false,
        links: [linkTo(2, { brokenIn: true, brokenOut: true })],
      });
      if (now > 4000) world.errors.set(3, new KvError("CONNECTION_FAILED", "refused"));
      if (now > 6000) world.errors.delete(3);
    };
  };

  test("without a terminal: the table, then a line for each change, until the time is up", async () => {
    const world = worldOf([1, 2, 3], 1);
    busy(world);
    const { out, status } = await run("watch 10", world);
    const lines = out.split("\n").map((line) => line.replace(/^ *\+[\d.]+ s {2}/, ""));
    expect(lines[0]).toMatch(/^node {2}role/);
    expect(lines.slice(4)).toEqual(
      expect.arrayContaining([
        "node 1 leads",
        "node 1: links broken 2",
        "node 1 hears no majority",
        "node 1 follows node 2",
        "node 2 leads (ballot 4.0.2)",
        "node 3 does not answer at 127.0.0.1:4103 (`sh run3.sh` starts it)",
        "node 3 answers",
      ]),
    );
    expect(status).toBe(EXIT.ok);
  });

  test("as JSON: one object a change", async () => {
    const world = worldOf([1, 2, 3], 1);
    busy(world);
    const { out } = await run("watch 10", world, true);
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events[0]).toMatchObject({ ok: true, op: "watch", event: "start", leader: 1 });
    expect(events).toContainEqual(expect.objectContaining({ event: "leader", leader: 2 }));
    expect(events).toContainEqual(expect.objectContaining({ event: "silent", node: 3 }));
  });

  test("at a terminal: redrawn in place until q, which the line editor does not see", async () => {
    const world = worldOf([1, 2, 3], 1);
    const input = new PassThrough();
    const output = new PassThrough();
    let shown = "";
    output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
    const shows = async (text: string): Promise<void> => {
      await expect.poll(() => shown, { timeout: 20_000, interval: 5 }).toContain(text);
    };
    const over = runPrompt(promptOf(world).manage, {
      input,
      output,
      errors: output,
      isTerminal: true,
      command: null,
      json: false,
      bail: false,
      promptText: "> ",
      greeting: "",
      historyPath: null,
      signal: new AbortController().signal,
    });
    input.write("watch\r");
    await shows("q or Ctrl-C ends");
    input.write("q");
    await shows("watched for");
    input.write("heal\r");
    await shows("ok, all links are whole");
    // Up by the lines of the table, the empty one and the last.
    expect(shown).toContain("\u001b[7A");
    expect(shown).not.toContain("unknown command");
    input.write("exit\r");
    expect(await over).toBe(EXIT.ok);
  });
});

describe("scripts", () => {
  test("wait-leader waits until one node has led for half a second", async () => {
    const world = worldOf([1, 2, 3], 1);
    world.statuses.set(1, { quorumConnected: false });
    world.onSleep = (now) => {
      if (now >= 1000) world.leader = 3;
    };
    const { out, status } = await run("wait-leader", world);
    expect(out).toBe("ok, node 3 leads (1.5 s)\n");
    expect(status).toBe(EXIT.ok);
    const never = await run("wait-leader 2s", worldOf([1, 2, 3], null));
    expect(never.err).toContain("no node has led with a majority within 2 s");
    expect(never.status).toBe(EXIT.unavailable);
  });

  test("sleep passes time", async () => {
    expect((await run("sleep 2s; sleep 250ms", worldOf([1], 1))).out).toBe(
      "ok, slept 2 s (2 s)\nok, slept 250 ms (250 ms)\n",
    );
  });
});

describe("servers", () => {
  test("can only be crashed where they were started", async () => {
    const { err, status } = await run("crash 2", worldOf([1, 2, 3], 1));
    expect(err).toContain("only the prompt of `omnikv start` can crash servers");
    expect(status).toBe(EXIT.failed);
  });

  test("are crashed, restarted, paused and resumed, and it is said whether a majority runs", async () => {
    const done: string[] = [];
    const note = (what: string) => (node: number) => {
      done.push(`${what} ${node}`);
      return node === 3
        ? Promise.reject(new KvError("BAD_REQUEST", "node 3 does not run"))
        : Promise.resolve();
    };
    const servers: ServerControl = {
      running: () => [1],
      paused: () => [],
      crash: note("crash"),
      restart: note("restart"),
      pause: note("pause"),
      resume: note("resume"),
    };
    const { out, err, status } = await run(
      "crash leader; restart 2; pause 1; resume 3",
      worldOf([1, 2, 3], 2),
      false,
      servers,
    );
    expect(done).toEqual(["crash 2", "restart 2", "pause 1", "resume 3"]);
    expect(out).toContain("node 2 was killed; 1 of 3 nodes run: no majority, writes wait");
    expect(err).toContain("node 3 does not run");
    expect(status).toBe(EXIT.failed);
  });

  test("one that is paused does not only not answer", async () => {
    const idle = (): Promise<void> => Promise.resolve();
    const servers: ServerControl = {
      running: () => [1, 2],
      paused: () => [3],
      crash: idle,
      restart: idle,
      pause: idle,
      resume: idle,
    };
    const world = worldOf([1, 2, 3], 2);
    world.errors.set(3, new KvError("TIMEOUT", "late"));
    const { out } = await run("status", world, false, servers);
    expect(out).toMatch(/^ +3 +is paused \(`sh run3.sh` lets it go on\)$/m);
  });

  test("the prompt of `omnikv start` takes keys and management", async () => {
    const world = worldOf([1, 2, 3], 2);
    const { common, manage } = promptOf(world);
    const client = fakeClient();
    const prompt = createStartPrompt(createClientPrompt({ ...common, client }), manage);
    const names = allCommands(prompt.table).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["write", "cas", "isolate", "break_link"]));
    const key = (line: string) => parseCommand(prompt.table, tokenize(line)[0] ?? []);
    expect(key("any read a")).toMatchObject({ kind: "command", target: null });
    expect(key("all status")).toMatchObject({ action: { op: "status" } });
    expect(key("status")).toMatchObject({ action: { op: "table" } });
    // One word is at both.
    expect(key("watch 5")).toMatchObject({ action: { op: "watch", forMs: 5000 } });
    expect(key("any watch app/")).toMatchObject({ action: { op: "watch", from: null } });
    expect(key("2 watch --from 3")).toMatchObject({ target: 2, action: { op: "watch", from: 3 } });
    const watched = tokenize("any watch --limit 1")[0] ?? [];
    client.told.push({
      type: "events",
      revision: 1,
      events: [new DeleteEvent(Buffer.from("k"), 1, null)],
    });
    const shown: string[] = [];
    const screen = { live: null, show: ({ text }: Outcome) => void shown.push(text) };
    await runCommand(prompt, watched, new AbortController().signal, screen);
    expect(shown.at(-1)).toBe("delete k (revision 1)");
    expect(() => key("all read a")).toThrow('"all" does not go with read');
    expect(helpText(prompt.table, prompt.help, null, plainStyle)).toContain("Scenarios");
  });
});
