/** HTTP requests that come faster than a node answers them. */
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { paced } from "../../../src/machine/network/request-pace.ts";

class Socket {
  destroyed = false;
  bytesWritten = 0;
}

class World {
  readonly answered: number[] = [];
  readonly #timers: { readonly at: number; readonly callback: () => void }[] = [];
  #now = 0;
  #asked = 0;
  readonly #listener = paced((request) => this.answered.push(Number(request.url)), {
    now: () => this.#now,
    after: (ms, callback) => void this.#timers.push({ at: this.#now + ms, callback }),
  });

  /** @returns the socket of the one request, and what ends its answer */
  ask(socket = new Socket()): { socket: Socket; end: (bytes: number) => void } {
    this.#asked += 1;
    const response = new EventEmitter();
    this.#listener(
      { socket, url: String(this.#asked) } as unknown as IncomingMessage,
      response as unknown as ServerResponse,
    );
    const end = (bytes: number): void => {
      socket.bytesWritten += bytes;
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

test("what is large counts for more", () => {
  const world = new World();
  // 40 pages of 64 KiB: with four for its bytes, each counts as five.
  for (let i = 0; i < 40; i++) world.ask().end(64 * 1024);
  world.ask();
  expect(world.answered).toHaveLength(40);
  world.pass(10);
  expect(world.answered).toHaveLength(41);
});

test("who has gone while waiting costs nobody anything", () => {
  const world = new World();
  const asked = Array.from({ length: 400 }, () => world.ask());
  for (const { socket } of asked.slice(200)) socket.destroyed = true;
  world.ask();
  world.pass(10);
  expect(world.answered.slice(200)).toEqual([401]);
});
