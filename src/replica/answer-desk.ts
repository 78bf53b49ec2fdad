/**
 * Where answers to clients leave: what was answered or refused in a turn goes out at its end, a frame for each client.
 *
 * Invariant: nothing leaves over a route that is closed, whoever still holds it. A frame would find its way to whoever came
 * after the client that it was meant for.
 */
import type { ErrorCode } from "../base/errors.ts";
import type { KvState } from "../kv/index.ts";
import type { PendingRead } from "./pending-reads.ts";
import type { Route } from "./route.ts";

export class AnswerDesk {
  /** Clients with answers that have not left. */
  readonly #dirty = new Set<Route>();

  /** This client has an answer waiting in its writer. */
  touched(route: Route): void {
    this.#dirty.add(route);
  }

  /** The client is gone. */
  forget(route: Route): void {
    this.#dirty.delete(route);
  }

  /** @returns the number of keys that were read */
  answerRead(read: PendingRead, state: KvState): number {
    if (!read.route.isOpen()) return 0;
    this.#dirty.add(read.route);
    return read.route.answers.reads(read.frame, state);
  }

  refuseRead({ route, frame }: PendingRead, code: ErrorCode, reason: string): void {
    if (!route.isOpen()) return;
    route.answers.refuseReads(frame, code, reason);
    this.#dirty.add(route);
  }

  /**
   * N3: a group that may have been proposed gets no answer; its client's time-out says what is known.
   * @param maybeProposed it was handed to the core, here or elsewhere
   */
  refuseGroup(
    route: Route,
    group: Uint8Array,
    maybeProposed: boolean,
    code: ErrorCode,
    reason: string,
  ): void {
    if (maybeProposed) return;
    if (!route.isOpen()) return;
    route.answers.refuseGroup(group, code, reason);
    this.#dirty.add(route);
  }

  /** @param appliedIdx at least what the answers tell of */
  drain(appliedIdx: number): void {
    for (const route of this.#dirty) {
      route.answers.drain(appliedIdx, (frame) => route.deliver(frame));
    }
    this.#dirty.clear();
  }
}
