/** HTTP requests that come faster than a node answers them. */
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { paced } from "../../../src/machine/network/request-pace.ts";

const KIB = 1024;

class Socket {
  destroyed = false;
  bytesWritten = 0;
  readonly remoteAddress: string;

  constructor(remoteAddress = "10.0.0.1") {
    this.remoteAddress = remoteAddress;
  }
}

interface Asked {
  readonly socket: Socket;
  /** @param bytes of the answer that were not sent at once */
  readonly end: (bytes?: number) => void;
}

class World {
  /** By number, from 1. */
  readonly answered: number[] = [];
  readonly #timers: { readonly at: number; readonly callback: () => void }[] = [];
  #now = 0;
  #asked = 0;
  readonly #listener = paced(
    ({ headers, socket }) => {
      this.answered.push(Number(headers["x-number"]));
      (socket as unknown as Socket).bytesWritten += Number(headers["x-bytes"]);
    },
    {
      now: () => this.#now,
      after: (ms, callback) => void this.#timers.push({ at: this.#now + ms, callback }),
    },
  );

  /** @param bytes that are sent at once as it is answered */
  ask(socket = new Socket(), url = "/", bytes = 0): Asked {
    this.#asked += 1;
    const response = new EventEmitter();
    const headers = { "x-number": `${this.#asked}`, "x-bytes": `${bytes}` };
    this.#listener(
      { socket, url, headers } as unknown as IncomingMessage,
      response as unknown as ServerResponse,
    );
    const end = (late = 0): void => {
      socket.bytesWritten += late;
      response.emit("close");
    };
    return { socket, end };
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.findIndex(({ at }) => at <= end);
      const timer = due < 0 ? undefined : this.#timers.splice(due, 1)[0];
      if (timer === undefined) break;
      this.#now = timer.at;
      timer.callback();
    }
    this.#now = end;
  }
}

test("a burst is answered at once, and what comes beyond in its order, as time goes on", () => {
  const world = new World();
  for (let i = 0; i < 1000; i++) world.ask();
  expect(world.answered).toHaveLength(200);
  world.pass(1000);
  expect(world.answered.length).toBeGreaterThanOrEqual(598);
  expect(world.answered.length).toBeLessThanOrEqual(600);
  world.pass(1020);
  expect(world.answered).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  world.pass(60_000);
  for (let i = 0; i < 300; i++) world.ask();
  expect(world.answered).toHaveLength(1200);
});

test("what is large counts for more, and before the next begins: no debt is left to others", () => {
  const world = new World();
  // Each counts as five.
  for (let i = 0; i < 200; i++) world.ask(new Socket(), "/page.js", 64 * KIB);
  expect(world.answered).toHaveLength(40);
  world.pass(1000);
  expect(world.answered.length).toBeGreaterThanOrEqual(119);
  expect(world.answered.length).toBeLessThanOrEqual(120);
});

test("each byte counts once, however many answers one connection waits for; those that are sent late as well", () => {
  const world = new World();
  const socket = new Socket();
  const asked = Array.from({ length: 8 }, () => world.ask(socket));
  for (const { end } of asked) end(64 * KIB);
  // 8 for the requests, 32 for the bytes.
  for (let i = 0; i < 300; i++) world.ask();
  expect(world.answered).toHaveLength(8 + 160);
});

test("addresses take turns: who asks for very much makes only those wait who come from there", () => {
  const world = new World();
  for (let i = 0; i < 5000; i++) world.ask();
  world.ask(new Socket("10.0.0.2"));
  world.ask(new Socket("10.0.0.2"));
  world.pass(20);
  expect(world.answered).toContain(5001);
  expect(world.answered).toContain(5002);
  expect(world.answered.length).toBeLessThan(215);
});

test("probes are answered while everything else waits", () => {
  const world = new World();
  for (let i = 0; i < 5000; i++) world.ask(new Socket(), "/page.js", 500 * KIB);
  world.ask(new Socket(), "/livez");
  world.ask(new Socket(), "/readyz?verbose");
  expect(world.answered.slice(-2)).toEqual([5001, 5002]);
  // But not without end either.
  for (let i = 0; i < 1000; i++) world.ask(new Socket(), "/livez");
  expect(world.answered.length).toBeLessThan(300);
});

test("who has gone while waiting costs nobody anything", () => {
  const world = new World();
  const asked = Array.from({ length: 400 }, () => world.ask());
  for (const { socket } of asked.slice(200)) socket.destroyed = true;
  world.ask();
  world.pass(10);
  expect(world.answered.slice(200)).toEqual([401]);
});
