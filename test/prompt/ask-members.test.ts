/** A prompt that was told nothing learns the nodes from any one that answers. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { pagesOver } from "../../src/bin/nodes/learn-nodes.ts";
import { askMembers } from "../../src/prompt/ask-members.ts";
import type { ClusterInfo } from "../../src/protocol/admin/cluster-info.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(id: number, listener: RequestListener) {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { id, host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

const FIVE = [1, 2, 3, 4, 5].map((id) => ({ id, host: "127.0.0.1", port: 4100 + id }));

const info = (self: number): ClusterInfo => ({
  clusterId: "c",
  self,
  nodes: FIVE,
  version: "1.0.0",
  faultsAllowed: true,
  needsSecret: false,
});

const says =
  (body: string, status = 200): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end(body);

const GET = pagesOver(null);

/** Nobody listens there. */
const DOWN = { id: 1, host: "127.0.0.1", port: 1 };

test("from the one that runs, whoever hangs, is down, or says nonsense", async () => {
  const nodes = [
    DOWN,
    await serve(2, () => {}),
    await serve(3, says("<html>")),
    await serve(4, says(JSON.stringify(info(4)), 500)),
    await serve(5, says(JSON.stringify({ ...info(5), nodes: [] }))),
    await serve(6, says(JSON.stringify(info(7)))),
    await serve(7, says(" ".repeat(100_000) + JSON.stringify(info(7)))),
    await serve(8, says(JSON.stringify(info(8)))),
  ];
  const started = performance.now();
  expect(await askMembers(nodes, GET)).toEqual(FIVE);
  expect(performance.now() - started).toBeLessThan(900);
  const without = nodes.filter(({ id }) => id !== 8 && id !== 2);
  await expect(askMembers(without, GET)).rejects.toThrow(AggregateError);
});

test("of whichever node answers at an address, which is where it was reached", async () => {
  const there = await serve(2, says(JSON.stringify(info(2))));
  const members = await askMembers([{ ...there, id: null }], GET);
  expect(members).toEqual(FIVE.map((node) => (node.id === 2 ? there : node)));
});

test("follows nobody elsewhere, and waits for nobody for long", async () => {
  const there = await serve(1, says(JSON.stringify(info(1))));
  const away = await serve(1, (_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${there.port}/cluster.json` }).end();
  });
  for (const place of [away, DOWN, await serve(1, () => {})]) {
    await expect(askMembers([place], GET)).rejects.toThrow(AggregateError);
  }
});
