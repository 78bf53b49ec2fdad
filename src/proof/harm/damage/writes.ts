/** The acknowledged writes, and the values that a reader may be told. */
import type { ReadResult } from "../../../client/terms/index.ts";

export class Acknowledged {
  /** By key: its values, oldest first. */
  readonly #values: Map<string, string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.#values = new Map([...values].map(([key, list]) => [key, [...list]]));
  }

  add(key: string, value: string): void {
    const values = this.#values.get(key) ?? [];
    values.push(value);
    this.#values.set(key, values);
  }

  get values(): ReadonlyMap<string, readonly string[]> {
    return this.#values;
  }

  get keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  copy(): Acknowledged {
    return new Acknowledged(this.#values);
  }

  /** Only one value is right, as the writer waits for each acknowledgement. */
  isLost(key: string, result: ReadResult): boolean {
    const last = this.#values.get(key)?.at(-1);
    return !result.found || Buffer.from(result.value).toString() !== last;
  }
}
