/** The bytes of changes as watches are told them, and which changes a watch wants. */
import type { ByteString } from "../../base/index.ts";
import type { Change } from "../../store/index.ts";
import { eventBytes } from "../../protocol/client/index.ts";
import type { Watch } from "./watch.ts";

/** Encoded when it is first wanted, and then once for all that want it so. */
export class SharedEvent {
  readonly #change: Change;
  #plain: Uint8Array | null = null;
  #withPrevious: Uint8Array | null = null;

  constructor(change: Change) {
    this.#change = change;
  }

  bytes(previous: boolean): Uint8Array {
    const { key, after, before } = this.#change;
    const put = after.version === 0 ? null : after;
    if (!previous || before.version === 0) {
      return (this.#plain ??= eventBytes({ key, put, previous: null }));
    }
    return (this.#withPrevious ??= eventBytes({ key, put, previous: before }));
  }
}

export function wants({ wish }: Watch, { after }: Change): boolean {
  return after.version === 0 ? wish.deletes : wish.puts;
}

export function isIn(key: ByteString, end: ByteString | null): boolean {
  return end === null || key < end;
}
