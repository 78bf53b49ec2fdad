/** Many requests at once on one connection, unread. */
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { withoutPipelines } from "../../../src/machine/network/pipelined-requests.ts";

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serving(answerMs: number) {
  let asked = 0;
  const server = createServer(
    withoutPipelines((_, response) => {
      asked += 1;
      setTimeout(() => response.end("ok"), answerMs);
    }),
  );
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return { port, asked: () => asked };
}

const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

test("a connection that sends more than a few without waiting is ended, and the rest is nobody's work", async () => {
  const { port, asked } = await serving(1000);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(REQUEST.repeat(1000));
  await new Promise((closed) => socket.once("close", closed));
  expect(asked()).toBe(8);
});

test("one after the other, any number is answered", async () => {
  const { port, asked } = await serving(0);
  const socket = connect(port, "127.0.0.1");
  socket.setEncoding("utf8");
  for (let i = 0; i < 40; i++) {
    socket.write(REQUEST);
    let text = "";
    while (!text.endsWith("0\r\n\r\n") && !text.endsWith("ok")) {
      text += await new Promise<string>((read) => socket.once("data", read));
    }
    expect(text).toContain("200 OK");
  }
  expect(asked()).toBe(40);
  socket.destroy();
});
