/** What every Network promises, and the limits of a wire, of connections within one process. */
import { expect, test } from "vitest";
import { CLIENT_FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX } from "../../src/base/limits.ts";
import { IndoorNetwork } from "../../src/embed/indoor-network.ts";
import type { Connection, Listener } from "../../src/machine/ports/network.ts";
import { networkSuite } from "../conformance/network.suite.ts";
import { until } from "../conformance/wait.ts";

networkSuite("within one process", () => {
  const network = new IndoorNetwork();
  return {
    server: network,
    client: network,
    address: { host: "127.0.0.1", port: 0 },
    until,
    close: () => Promise.resolve(),
  };
});

interface Pair {
  readonly dialer: Connection;
  readonly acceptor: Connection;
  readonly received: number[];
  readonly ends: string[];
}

async function pair(): Promise<Pair> {
  const network = new IndoorNetwork();
  const received: number[] = [];
  const ends: string[] = [];
  let acceptor: Connection | null = null;
  let listener: Listener | null = null;
  network.listen(
    { host: "127.0.0.1", port: 0 },
    ["client"],
    (connection) => {
      acceptor = connection;
      return {
        onFrame: (frame) => void received.push(frame.length),
        onClose: (reason) => void ends.push(`acceptor: ${reason}`),
      };
    },
    (result) => (listener = result instanceof Error ? null : result),
  );
  await until(() => listener !== null);
  const { address } = listener as unknown as Listener;
  let isOpen = false;
  const dialer = network.dial(address, "client", {
    onOpen: () => (isOpen = true),
    onFrame: () => {},
    onClose: (reason) => void ends.push(`dialer: ${reason}`),
  });
  await until(() => isOpen);
  return { dialer, acceptor: acceptor as unknown as Connection, received, ends };
}

test("who is not admitted may not send more than a handshake", async () => {
  const { dialer, ends, received } = await pair();
  dialer.send(new Uint8Array(HANDSHAKE_BYTES_MAX));
  dialer.send(new Uint8Array(1));
  await until(() => ends.length === 2);
  expect(received).toEqual([HANDSHAKE_BYTES_MAX]);
  expect(ends).toContain("dialer: too much before the handshake");
});

test("a frame that a wire would not carry ends the connection", async () => {
  const { dialer, acceptor, ends, received } = await pair();
  acceptor.admit();
  dialer.send(new Uint8Array(CLIENT_FRAME_BYTES_MAX));
  dialer.send(new Uint8Array(CLIENT_FRAME_BYTES_MAX + 1));
  await until(() => ends.length === 2);
  expect(received).toEqual([CLIENT_FRAME_BYTES_MAX]);
});

test("who is paused has the sender's frames wait, and sees the end after them", async () => {
  const { dialer, acceptor, ends, received } = await pair();
  acceptor.admit();
  acceptor.pause();
  for (let i = 1; i <= 5; i++) dialer.send(new Uint8Array(i));
  dialer.close("done");
  await until(() => ends.length === 1);
  expect(dialer.bufferedBytes()).toBe(15);
  expect(received).toEqual([]);
  acceptor.resume();
  await until(() => ends.length === 2);
  expect(received).toEqual([1, 2, 3, 4, 5]);
  expect(ends).toEqual(["dialer: done", "acceptor: done"]);
});
