/** The client of etcd, against servers that behave as told. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { etcdStatus, openEtcdWriter, type EtcdNode } from "../../src/lab/etcd-http.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

type Answer = { status: number; body: unknown } | "silence";

async function node(
  id: number,
  answer: (path: string, body: unknown) => Answer,
): Promise<EtcdNode> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const said = answer(request.url ?? "", JSON.parse(text));
      if (said === "silence") return;
      response.writeHead(said.status).end(JSON.stringify(said.body));
    });
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { id, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const done: Answer = { status: 200, body: { header: { revision: "7" } } };

test("a write goes to the first node in base64, and stays there while it answers", async () => {
  const asked: unknown[] = [];
  const first = await node(1, (path, body) => {
    asked.push([path, body]);
    return done;
  });
  const writer = openEtcdWriter([await node(2, () => "silence"), first], 1, 1000);
  await writer.write("lab/1", "value");
  await writer.write("lab/1", "value");
  const body = { key: "bGFiLzE=", value: "dmFsdWU=" };
  expect(asked).toEqual([
    ["/v3/kv/put", body],
    ["/v3/kv/put", body],
  ]);
});

test("a node that is silent, or answers an error, is left for the next one", async () => {
  const silent = await node(1, () => "silence");
  const failing = await node(2, () => ({ status: 503, body: { error: "no leader" } }));
  const good = await node(3, () => done);
  const writer = openEtcdWriter([silent, failing, good], 1, 50);
  await writer.write("k", "v");
  await expect(openEtcdWriter([failing], 2, 50).write("k", "v")).rejects.toThrow("acknowledged");
});

test("closing rejects what is under way", async () => {
  const writer = openEtcdWriter([await node(1, () => "silence")], 1, 60_000);
  const write = writer.write("k", "v");
  writer.close();
  await expect(write).rejects.toThrow("acknowledged");
});

test("the status has 64-bit numbers as texts, and zeros left out", async () => {
  const header = { member_id: "18249187646912138824" };
  const leading = await node(1, () => ({
    status: 200,
    body: { header, leader: "18249187646912138824", raftTerm: "12" },
  }));
  expect(await etcdStatus(leading, 1000)).toEqual({
    member: "18249187646912138824",
    leader: "18249187646912138824",
    term: 12,
  });
  const alone = await node(2, () => ({ status: 200, body: { header } }));
  expect(await etcdStatus(alone, 1000)).toMatchObject({ leader: null, term: 0 });
  const odd = await node(3, () => ({ status: 200, body: ["?"] }));
  expect(await etcdStatus(odd, 1000)).toBeNull();
});
