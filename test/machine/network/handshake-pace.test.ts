/** Handshakes that come faster than a server takes them. */
import { expect, test } from "vitest";
import { pacedHandshakes } from "../../../src/machine/network/ws-network.ts";

class World {
  /** By the millisecond, who began. */
  readonly begun: string[][] = [];
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];
  #begunNow: string[] = [];
  readonly #inTurn = pacedHandshakes({
    now: () => this.#nowMs,
    after: (ms, callback) => void this.#timers.push({ atMs: this.#nowMs + ms, callback }),
  });

  shake(address: string, name = address): { destroyed: boolean } {
    const socket = { remoteAddress: address, destroyed: false };
    this.#inTurn(socket, () => this.#begunNow.push(name));
    return socket;
  }

  pass(ms: number): void {
    for (const endMs = this.#nowMs + ms; this.#nowMs < endMs; this.#nowMs++) {
      const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
      this.#timers = this.#timers.filter((timer) => !due.includes(timer));
      for (const { callback } of due) callback();
      this.begun.push(this.#begunNow);
      this.#begunNow = [];
    }
  }

  get count(): number {
    return this.begun.flat().length;
  }
}

test("two hundred at once are begun within a moment, a few at a time", () => {
  const world = new World();
  for (let i = 0; i < 200; i++) world.shake("10.0.0.1", `${i}`);
  world.pass(80);
  expect(world.begun.flat()).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
  // Those that began as they came, and those of the same millisecond.
  expect(Math.max(...world.begun.map(({ length }) => length))).toBeLessThanOrEqual(8);
});

test("thousands come in at a rate, and another address does not wait behind them", () => {
  const world = new World();
  for (let i = 0; i < 3000; i++) world.shake("10.0.0.1");
  world.pass(1000);
  expect(world.count).toBeGreaterThan(600);
  expect(world.count).toBeLessThan(800);
  world.shake("10.0.0.2", "other");
  world.pass(10);
  expect(world.begun.flat()).toContain("other");
  world.pass(6000);
  expect(world.count).toBe(3001);
});

test("a socket that is gone costs nothing", () => {
  const world = new World();
  const gone = Array.from({ length: 3000 }, () => world.shake("10.0.0.1"));
  for (const socket of gone.slice(4)) socket.destroyed = true;
  for (let i = 0; i < 100; i++) world.shake("10.0.0.1", "there");
  world.pass(60);
  expect(world.begun.flat().filter((name) => name === "there")).toHaveLength(100);
});
