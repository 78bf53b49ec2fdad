/** Who counts as one address among strangers. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Strangers } from "../../src/machine/network/strangers.ts";

let strangers: Strangers;
const refused: string[] = [];
const sockets: FakeSocket[] = [];

class FakeSocket extends EventEmitter {
  destroyed = false;
  readonly remotePort = 5;
  readonly remoteAddress: string;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function begin(): void {
  refused.length = 0;
  sockets.length = 0;
  const onRefused = (remote: string, reason: string): void =>
    void refused.push(`${remote} ${reason}`);
  const times = { deadlineMs: 60_000, requestMs: 60_000 };
  strangers = new Strangers({ max: 10, perAddressMax: 2, ...times, onRefused });
}

function come(address: string): FakeSocket {
  const socket = new FakeSocket(address);
  sockets.push(socket);
  strangers.add(socket as unknown as Socket);
  return socket;
}

afterEach(() => {
  for (const socket of sockets) strangers.remove(socket as unknown as Socket);
});

test("all addresses of an IPv6 network of 64 bits are one, and the one that has to go is named in full", () => {
  begin();
  const first = come("2001:db8:1:2::1");
  come("2001:db8:1:2:aaaa::2");
  come("2001:db8:1:2:ffff:1:2:3");
  expect(first.destroyed).toBe(true);
  expect(refused).toEqual(["2001:db8:1:2::1:5 too many from one address"]);
  come("2001:db8:1:3::1");
  expect(strangers.size).toBe(3);
});

test("each IPv4 address counts alone, whichever way it is written", () => {
  begin();
  come("::ffff:10.0.0.1");
  come("::ffff:10.0.0.2");
  come("::ffff:10.0.0.1");
  expect(refused).toEqual([]);
  come("::ffff:10.0.0.1");
  expect(refused).toHaveLength(1);
  expect(strangers.size).toBe(3);
});
