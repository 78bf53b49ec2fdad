/** Nodes within a program: alone and as a cluster, their ends, and what they leave alone. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createClient } from "../../src/client/api/index.ts";
import {
  startNode,
  type EmbeddedNode,
  type MemberGiven,
  type NodeSettings,
} from "../../src/embed/index.ts";
import type { AdminAccessChange } from "../../src/protocol/admin/index.ts";
import { freePorts } from "../../src/measure/subjects/places.ts";

let directory = "";
const started: EmbeddedNode[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-embed-"));
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
  rmSync(directory, { recursive: true, force: true });
});

async function start(settings: Partial<NodeSettings> = {}): Promise<EmbeddedNode> {
  const node = await startNode({ dataDir: join(directory, "alone"), ...settings });
  started.push(node);
  return node;
}

async function members(size: number): Promise<MemberGiven[]> {
  const ports = await freePorts(2 * size);
  return Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    port: ports[2 * i] ?? 0,
    peerPort: ports[2 * i + 1] ?? 0,
  }));
}

describe("a node alone", () => {
  test("serves clients of its process, and has its data after a restart", async () => {
    const node = await start();
    expect(node.address).toBeNull();
    const kv = node.client();
    const { revision } = await kv.write("a", "1");
    expect((await kv.read("a")).text()).toBe("1");
    const status = await node.admin().status(node.id);
    expect(status.role).toBe("leader");
    expect(await node.stop()).toEqual({ reason: "stopped" });
    await expect(kv.read("a")).rejects.toMatchObject({ code: "CANCELLED" });
    const again = await start();
    expect(await again.client().read("a")).toMatchObject({ modRevision: revision });
  });

  test("touches nothing of its process", async () => {
    const before = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const write = vi.spyOn(process.stdout, "write");
    const node = await start();
    await node.ready();
    await node.stop();
    const written = write.mock.calls.length;
    write.mockRestore();
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(before);
    expect(written).toBe(0);
  });

  test("is ready whether or not a user may ask it", async () => {
    const node = await start();
    await node.ready();
    const admin = node.admin();
    const change = (params: AdminAccessChange): Promise<unknown> =>
      admin.call(node.id, "changeAccess", { change: params });
    await change({ kind: "addUser", user: "root", password: "a good password" });
    await change({ kind: "grantRole", user: "root", role: "root" });
    await change({ kind: "turnOn" });
    await expect(node.client().read("a")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await node.ready({ timeoutMs: 20_000 });
    await node.stop();
    await expect(node.ready()).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  });

  test("tells its log to whom it is handed", async () => {
    const lines: string[] = [];
    const node = await start({ logger: { info: (message) => void lines.push(message) } });
    await node.ready();
    await node.stop();
    expect(lines).toContain("memory");
  });

  test("names what is wrong with what it is asked, and never throws past a promise", async () => {
    const node = await start();
    const loose = node as unknown as Record<
      "client" | "admin" | "ready",
      (options: unknown) => unknown
    >;
    for (const options of [null, 5, "x", Symbol("s"), { nodes: "127.0.0.1:1" }, { timeout: 5 }]) {
      expect(() => loose.client(options)).toThrow(/^(options|nodes|timeout): /);
      expect(() => loose.admin(options)).toThrow(/^(options|nodes|timeout): /);
      await expect(loose.ready(options)).rejects.toMatchObject({
        code: "BAD_REQUEST",
        message: expect.stringMatching(/^(options|nodes|timeout): /) as string,
      });
    }
    await expect(node.ready({ timeoutMs: -1 })).rejects.toThrow("timeoutMs: ");
    await node.ready({ timeoutMs: 20_000 });
  });

  test("has the limits of any client", async () => {
    const kv = (await start()).client();
    await expect(kv.write("a", new Uint8Array(1024 * 1024 + 1))).rejects.toMatchObject({
      code: "VALUE_TOO_LARGE",
    });
    await expect(kv.write("a".repeat(5000), "")).rejects.toMatchObject({ code: "KEY_TOO_LARGE" });
  });

  test("is disposed of at the end of a block", async () => {
    let ended: Promise<unknown> = Promise.resolve();
    {
      await using node = await startNode({ dataDir: join(directory, "block") });
      ended = node.ended;
      await node.client().write("a", "b");
    }
    expect(await ended).toEqual({ reason: "stopped" });
  });

  test("lets go of clients that are closed", async () => {
    const node = await start();
    await node.ready();
    const closed = [node.client(), node.admin()].map((client) => {
      client.close();
      return vi.spyOn(client, "close");
    });
    const open = vi.spyOn(node.client(), "close");
    await node.stop();
    expect(open).toHaveBeenCalledOnce();
    for (const close of closed) expect(close).not.toHaveBeenCalled();
  });

  test("gives no clients once it has ended", async () => {
    const node = await start();
    await node.stop();
    expect(() => node.client()).toThrow(expect.objectContaining({ code: "SHUTTING_DOWN" }));
  });
});

describe("three nodes in one process", () => {
  test("serve each other's clients, and a leader that is stopped hands over", async () => {
    const all = await members(3);
    const log: string[] = [];
    const nodes = await Promise.all(
      all.map((_, i) =>
        start({
          dataDir: join(directory, `node${i + 1}`),
          node: i + 1,
          members: all,
          // Whoever stops waits for its heir so long: a busy machine is to make it, too.
          electionTimeoutMs: 500,
          logger: { info: (message) => void log.push(message) },
        }),
      ),
    );
    await Promise.all(nodes.map((node) => node.ready()));
    const [first] = nodes;
    await first?.client().write("a", "1");
    for (const node of nodes) expect((await node.client().read("a")).text()).toBe("1");

    const outside = createClient(nodes.map(({ id, address }) => ({ id, ...address! })));
    expect((await outside.read("a")).text()).toBe("1");
    outside.close();

    const statuses = await Promise.all(
      nodes.map((node) => node.admin().call(node.id, "status", {})),
    );
    const leader = nodes[statuses.findIndex(({ role }) => role === "leader")];
    const other = nodes.find((node) => node !== leader);
    expect(leader).toBeDefined();
    expect(await leader?.stop()).toEqual({ reason: "stopped" });
    expect(log).toContain("leadership is handed over");
    await other?.client().write("a", "2");
    expect((await other?.client().read("a"))?.text()).toBe("2");
  });

  test("of which one runs is not ready, and says so when its time is over or it is stopped", async () => {
    const all = await members(3);
    const node = await start({ node: 1, members: all });
    await expect(node.ready({ timeoutMs: 300 })).rejects.toMatchObject({ code: "TIMEOUT" });
    // It has refused a read by then.
    await expect(node.ready({ timeoutMs: 5000 })).rejects.toMatchObject({ code: "NO_QUORUM" });
    const told = node.ready().catch((error: unknown) => error);
    await node.stop();
    expect(await told).toMatchObject({ code: "CANCELLED" });
  });

  test("with a secret let clients of their process in, and nobody else without it", async () => {
    const secretFile = join(directory, "secret");
    writeFileSync(secretFile, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
    const node = await start({ members: await members(1), secretFile });
    await node.client().write("a", "1");
    const stranger = createClient({ nodes: [{ ...node.address! }], timeoutMs: 2000 });
    await expect(stranger.read("a")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    stranger.close();
  });
});

test("one of five that reaches a follower and no leader is ready through that neighbour", async () => {
  const all = await members(5);
  const nodes = await Promise.all(
    all.map((_, i) =>
      start({
        dataDir: join(directory, `node${i + 1}`),
        node: i + 1,
        members: all,
        allowFaults: true,
      }),
    ),
  );
  await Promise.all(nodes.map((node) => node.ready()));
  const statuses = await Promise.all(nodes.map((node) => node.admin().status(node.id)));
  const followers = nodes.filter((_, i) => statuses[i]?.role !== "leader");
  const [apart, neighbour] = followers;
  if (apart === undefined || neighbour === undefined) throw new Error("five have four followers");
  for (const { id } of nodes) {
    if (id === apart.id || id === neighbour.id) continue;
    await apart.admin().call(apart.id, "breakLink", { peer: id, direction: "both" });
  }
  // Longer than it takes to notice.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await expect(apart.ready({ timeoutMs: 10_000 })).resolves.toBeUndefined();
});

describe("a node that cannot start or go on", () => {
  test("says that its directory is in use, and starts once it is not", async () => {
    const node = await start();
    await expect(start()).rejects.toMatchObject({
      name: "NodeError",
      code: "LOCKED",
      message: expect.stringMatching(
        /is in use by process \d+: stop it, or give this server another dataDir/,
      ),
    });
    await node.stop();
    await (await start()).client().read("a");
  });

  test("says that its port is taken, and frees its directory", async () => {
    const all = await members(1);
    const [member] = all;
    if (typeof member !== "object") throw new Error("no member");
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(member.port, "127.0.0.1", resolve));
    await expect(start({ members: all })).rejects.toMatchObject({
      name: "NodeError",
      code: "EADDRINUSE",
      message: expect.stringContaining("change the port: port"),
    });
    await new Promise((resolve) => taken.close(resolve));
    await (await start({ members: all })).client().read("a");
  });

  test("ends when its directory goes, and the program goes on", async () => {
    const node = await start({ dataDir: join(directory, "gone") });
    await node.client().write("a", "1");
    // The watch knows what it has seen once.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    renameSync(join(directory, "gone"), join(directory, "elsewhere"));
    expect(await node.ended).toMatchObject({
      reason: "failed",
      error: { name: "NodeError", code: "DIRECTORY_UNUSABLE" },
    });
    expect(await node.stop()).toMatchObject({ reason: "failed" });
    await (await start({ dataDir: join(directory, "elsewhere") })).client().read("a");
  });
});

test.each<[object | null, string]>([
  [null, "settings: expected an object with dataDir, got null"],
  [{}, "dataDir: expected a directory, got nothing"],
  [{ dataDir: 5 }, "dataDir: expected a text that is not empty, got 5"],
  [{ dataDir: "x", port: "4101" }, 'port: expected a whole number, got "4101"'],
  [{ dataDir: "x", members: [] }, "members: expected at least one of"],
  [
    { dataDir: "x", members: [{ id: 1, tick: 5 }] },
    "members[0]: expected { id, host, port, peerPort }",
  ],
  [
    { dataDir: "x", members: "1=a,2=b" },
    "node: expected the id of one of the members, got undefined",
  ],
  [
    { dataDir: "x", node: 3, members: "1=127.0.0.1" },
    'node: expected one of the cluster\'s nodes (1), got "3"',
  ],
  [{ dataDir: "x", members: "1=10.0.0.1" }, "host: 10.0.0.1 can be reached from other machines"],
  [
    { dataDir: "x", electionTimeoutMs: 1 },
    "electionTimeoutMs: expected an integer from 2 to 60000",
  ],
  [
    { dataDir: "x", dataDirectory: "y" },
    "dataDirectory: there is no such setting, there are dataDir,",
  ],
  [{ dataDir: "x", logger: true }, "logger: expected an object like console, got true"],
])("settings %j are refused", async (settings, text) => {
  await expect(startNode(settings as NodeSettings)).rejects.toMatchObject({
    code: "BAD_REQUEST",
    message: expect.stringContaining(text),
  });
});
