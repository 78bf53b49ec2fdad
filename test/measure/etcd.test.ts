/** The clients of etcd, against servers that behave as told. */
import { createServer, type Server } from "node:http";
import {
  createServer as createServer2,
  type Http2Server,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { NodeAddress } from "../../src/client/terms/types.ts";
import { etcdStore } from "../../src/measure/experiments/store/subjects.ts";
import type { EtcdCluster } from "../../src/measure/subjects/etcd-cluster.ts";
import { EtcdConnection } from "../../src/measure/subjects/etcd-connection.ts";
import { etcdStatus } from "../../src/measure/subjects/etcd-status.ts";
import { createEtcdTarget } from "../../src/measure/subjects/etcd-target.ts";
import { openEtcdWriter } from "../../src/measure/subjects/etcd-writer.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function listening(id: number, server: Server | Http2Server): Promise<NodeAddress> {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { id, host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

interface Asked {
  readonly path: string;
  readonly message: Buffer;
}

/** "failure": as etcd answers when it has no leader. "ends": the connection breaks. */
type Behaviour = "answers" | "failure" | "silence" | "ends";

/** Speaks HTTP/2 by a library that takes no frame or header that is wrong. */
async function grpcNode(
  id: number,
  behaviour: Behaviour,
): Promise<NodeAddress & { asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer2();
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => {});
    const parts: Buffer[] = [];
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => {
      const request = { path: String(headers[":path"]), message: Buffer.concat(parts) };
      // Each connection fills the table of header fields with a request of each kind.
      if (!request.message.includes("bench/warm")) asked.push(request);
      if (behaviour === "silence") return;
      if (behaviour === "ends") return stream.session?.destroy();
      const type = { ":status": 200, "content-type": "application/grpc" };
      if (behaviour === "failure") {
        stream.respond({ ...type, "grpc-status": "14" }, { endStream: true });
        return;
      }
      stream.respond(type, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x10, 7]));
    });
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  ends.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { ...(await listening(id, server)), asked };
}

describe("a writer", () => {
  test("goes to the first node, and stays there while it answers", async () => {
    const first = await grpcNode(1, "answers");
    const other = await grpcNode(2, "silence");
    const writer = openEtcdWriter([other, first], 1, 1000);
    await writer.write("lab/1", "value");
    await writer.write("lab/1", "value");
    writer.close();
    const message = Buffer.from("\0\0\0\0\u000e\n\u0005lab/1\u0012\u0005value", "latin1");
    const request = { path: "/etcdserverpb.KV/Put", message };
    expect(first.asked).toEqual([request, request]);
    expect(other.asked).toEqual([]);
  });

  test("leaves a node that is silent, answers an error or breaks for the next one", async () => {
    const behaviours = ["silence", "failure", "ends", "answers"] as const;
    const nodes = await Promise.all(behaviours.map((each, i) => grpcNode(i + 1, each)));
    const writer = openEtcdWriter(nodes, 1, 100);
    await writer.write("k", "v");
    writer.close();
    const failing = openEtcdWriter(nodes.slice(1, 2), 2, 100);
    await expect(failing.write("k", "v")).rejects.toThrow("acknowledged");
    failing.close();
  });

  test("that is closed rejects what is under way", async () => {
    const writer = openEtcdWriter([await grpcNode(1, "silence")], 1, 60_000);
    const write = writer.write("k", "v");
    writer.close();
    await expect(write).rejects.toThrow("acknowledged");
  });
});

test("load goes over the connections that are left when one breaks", async () => {
  const broken = await grpcNode(1, "ends");
  const good = await grpcNode(2, "answers");
  const target = createEtcdTarget(
    [broken, good].map(({ host, port }) => new EtcdConnection(host, port)),
  );
  const put = (caller: number): Promise<string | null> =>
    new Promise((resolve) => target.put(caller, Buffer.from("k"), Buffer.from("v"), resolve));
  expect(await put(0)).not.toBeNull();
  expect(await put(0)).toBeNull();
  const key = Buffer.from("k");
  expect(await new Promise((resolve) => target.get(1, key, true, resolve))).toBeNull();
  expect(good.asked.map(({ path }) => path)).toEqual([
    "/etcdserverpb.KV/Put",
    "/etcdserverpb.KV/Range",
  ]);
  target.close();
});

test("transactions and ranges are asked as etcd's messages have them", async () => {
  const node = await grpcNode(1, "answers");
  const { id, host, port, asked } = node;
  const nodes = [{ id, host, port }];
  // Only its nodes are looked at.
  const subject = etcdStore({ nodes } as unknown as EtcdCluster, 1, 1);
  const [key, value] = [Buffer.from("a"), Buffer.from("v")];
  await subject.txn([{ key, value }]);
  await subject.range(Buffer.from("a"), Buffer.from("b"));
  await subject.get(key);
  subject.close();
  const hex = asked.map(({ path, message }) => [path, message.toString("hex")]);
  // TxnRequest { compare: { result: GREATER, target: VERSION, key, version: 0 }, success: { requestPut: { key, value } } }
  const compare = "0a" + "09" + "0801" + "1000" + "1a0161" + "2000";
  const success = "12" + "08" + "1206" + "0a0161" + "120176";
  expect(hex).toEqual([
    ["/etcdserverpb.KV/Txn", `0000000015${compare}${success}`],
    ["/etcdserverpb.KV/Range", "0000000006" + "0a0161" + "120162"],
    ["/etcdserverpb.KV/Range", "0000000003" + "0a0161"],
  ]);
});

test("the status has 64-bit numbers as texts, and zeros left out", async () => {
  const node = async (body: unknown): Promise<NodeAddress> => {
    const server = createServer((_, response) => void response.end(JSON.stringify(body)));
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return listening(1, server);
  };
  const header = { member_id: "18249187646912138824" };
  const leading = await node({ header, leader: "18249187646912138824", raftTerm: "12" });
  expect(await etcdStatus(leading, 1000)).toEqual({
    member: "18249187646912138824",
    leader: "18249187646912138824",
    term: 12,
  });
  expect(await etcdStatus(await node({ header }), 1000)).toMatchObject({ leader: null, term: 0 });
  expect(await etcdStatus(await node(["?"]), 1000)).toBeNull();
});
