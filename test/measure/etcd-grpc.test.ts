/** gRPC by node:http2, against a server that the test plays: etcd itself is not needed. */
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { bytesIn, EtcdGrpc, messageOf } from "../../src/measure/subjects/etcd-grpc.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** Answers each call with a message, or with a status. */
async function serve(answer: { message: Buffer } | { status: string }): Promise<{
  grpc: EtcdGrpc;
  asked: Buffer[];
}> {
  const asked: Buffer[] = [];
  const server: Http2Server = createServer();
  server.on("stream", (stream) => {
    const parts: Buffer[] = [];
    stream.on("data", (data: Buffer) => parts.push(data));
    stream.on("end", () => {
      asked.push(Buffer.concat(parts));
      if ("status" in answer) {
        return stream.respond(
          { ":status": 200, "grpc-status": "5", "grpc-message": answer.status },
          { endStream: true },
        );
      }
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(answer.message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const grpc = new EtcdGrpc({ id: 1, host: "127.0.0.1", port });
  closers.push(
    () => grpc.close(),
    () => server.close(),
  );
  return { grpc, asked };
}

test("numbers and bytes of a message come back as they were", () => {
  const long = new Uint8Array(300).fill(7);
  const message = messageOf({ 1: 0, 2: long, 3: 2 ** 40 + 5, 16: Buffer.from("key") });
  expect(message.readUInt32BE(1)).toBe(message.length - 5);
  const found = bytesIn(message.subarray(5));
  expect([...found.keys()]).toEqual([2, 16]);
  expect(Uint8Array.from(found.get(2) ?? [])).toEqual(long);
  expect(Buffer.from(found.get(16) ?? []).toString()).toBe("key");
});

test("a call is answered with the fields of the message, and what the server refuses is its error", async () => {
  const { grpc, asked } = await serve({ message: messageOf({ 1: 5, 2: Buffer.from("lock/1") }) });
  const answer = await grpc.call("/v3lockpb.Lock/Lock", { 1: Buffer.from("lock"), 2: 300 });
  expect(Buffer.from(answer.get(2) ?? []).toString()).toBe("lock/1");
  // Tag, length, text; tag, and 300 in two bytes.
  expect(asked[0]?.subarray(5).toString("hex")).toBe("0a046c6f636b10ac02");
  const refusing = await serve({ status: "requested lease not found" });
  await expect(refusing.grpc.call("/v3lockpb.Lock/Lock", { 2: 1 })).rejects.toThrow(
    "requested lease not found",
  );
});
