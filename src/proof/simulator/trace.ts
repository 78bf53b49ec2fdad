/**
 * Everything that happened in a run, as a hash: two runs of a seed that differ in one byte sent, one log line or one
 * client's answer differ here. With a reader attached, also as lines for people.
 */
import type { SimClock } from "./sim-clock.ts";
import { hashBytes, hashText } from "../../machine/ports/index.ts";

export class Trace {
  readonly #clock: SimClock;
  readonly #print: ((line: string) => void) | null;
  #a = 0x811c9dc5;
  #b = 0x9747b28c;
  #events = 0;

  /** @param print gets one line an event; null: no reader is attached */
  constructor(clock: SimClock, print: ((line: string) => void) | null) {
    this.#clock = clock;
    this.#print = print;
  }

  /** A reader is attached, so descriptions are worth making. */
  get isRead(): boolean {
    return this.#print !== null;
  }

  get events(): number {
    return this.#events;
  }

  /** 16 hexadecimal digits. */
  hash(): string {
    return [this.#a, this.#b].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** @param what part of the hash */
  event(who: string, what: string): void {
    this.#mix(hashText(what, hashText(who)));
    this.#print?.(this.#line(who, what));
  }

  /** @param describe called only when a reader is attached */
  frame(from: string, to: string, bytes: Uint8Array, describe: () => string): void {
    this.#mix(hashBytes(bytes, hashText(to, hashText(from))));
    this.#print?.(this.#line(`${from} > ${to}`, describe()));
  }

  /** For people only: leaves the hash alone. */
  remark(who: string, what: string): void {
    this.#print?.(this.#line(who, what));
  }

  #mix(value: number): void {
    this.#events += 1;
    const time = Math.round(this.#clock.now() * 1e6) | 0;
    this.#a = Math.imul(this.#a ^ value, 0x85ebca6b) ^ (this.#a >>> 13);
    this.#b = Math.imul(this.#b ^ (value + time), 0xc2b2ae35) ^ (this.#b >>> 15);
    this.#a = (this.#a + time) | 0;
  }

  #line(who: string, what: string): string {
    return `${this.#clock.now().toFixed(3).padStart(10)}  ${who.padEnd(14)} ${what}`;
  }
}
