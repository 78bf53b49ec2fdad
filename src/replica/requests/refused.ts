import type { ErrorCode } from "../../base/index.ts";

export interface RefusedCount {
  readonly kind: "read" | "write";
  readonly code: ErrorCode;
  readonly frames: number;
}

/**
 * Frames of clients that were refused, wholly or in part, since the process started: one for each refusal that a client
 * is sent, however many requests it covers. Counts only grow.
 */
export class Refused {
  readonly #frames = {
    read: new Map<ErrorCode, number>(),
    write: new Map<ErrorCode, number>(),
  };

  add(kind: RefusedCount["kind"], code: ErrorCode): void {
    const frames = this.#frames[kind];
    frames.set(code, (frames.get(code) ?? 0) + 1);
  }

  counts(): readonly RefusedCount[] {
    const list = (kind: RefusedCount["kind"]): RefusedCount[] =>
      [...this.#frames[kind]].map(([code, frames]) => ({ kind, code, frames }));
    return [...list("read"), ...list("write")];
  }
}
