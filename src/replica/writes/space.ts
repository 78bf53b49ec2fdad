/**
 * The texts that clients get when there is no space, and the commands that a node that is short of memory does not propose.
 *
 * The quota is in the log, and all nodes alike refuse a command that exceeds it when they apply it. A node's own memory is its own
 * affair: it refuses commands for want of memory before it proposes them.
 *
 * Invariant: a text names keys by their prefix only to a user who may read every key with that prefix.
 */
import { afterPrefix, KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../base/index.ts";
import { OP, operationOf } from "../../store/operations/index.ts";
import {
  bytesOf,
  byteStringOf,
  canGrow,
  mayRead,
  splitGroup,
  textOf,
  type Actor,
  type CommandCursor,
  type KvState,
  type SplitGroup,
  type Where,
} from "../../store/index.ts";
import type { WatchRefusal } from "../watches/watch-rights.ts";

/**
 * How full the heap is. `short`: the node proposes no command that makes the state grow. `critical`: it proposes no write that
 * takes memory, and begins nothing that does.
 */
export type MemoryLevel = "enough" | "short" | "critical";

/** Why this node refuses commands that make the state grow: the cluster's quota, or this node's own memory. */
export type SpaceLack = "quota" | "heap";

/** With so much of the quota left, or less, it counts as used up: the largest value, or a part of a small quota. */
const QUOTA_LEFT_BYTES = KEY_BYTES_MAX + VALUE_BYTES_MAX;
const QUOTA_LEFT_SHARE = 0.05;

/** One look at the keys serves the refusals of so many ticks. */
const LOOK_TICKS = 500;

/** A session that keeps a smaller value in an answer spends no more memory on it than on the answer itself. */
const KEPT_BYTES = 256;

/** What is not keys and values is worth a word from so many bytes and such a part of the state on. */
const OTHERS_BYTES = 256 * 1024;
const OTHERS_SHARE = 0.25;

interface Told {
  readonly where: Where;
  readonly words: string;
}

export class Space {
  readonly #node: number;
  readonly #state: () => KvState;
  readonly #tick: () => number;
  #level: MemoryLevel = "enough";
  #heapLimitBytes = 0;
  #prefixes: readonly Told[] = [];
  #lookedTick: number | null = null;

  constructor(node: number, state: () => KvState, tick: () => number) {
    this.#node = node;
    this.#state = state;
    this.#tick = tick;
  }

  /** The node must begin nothing that takes memory, and put off what it can do later. */
  get isCritical(): boolean {
    return this.#level === "critical";
  }

  /** Null: there is space. */
  get lack(): SpaceLack | null {
    if (this.#level !== "enough") return "heap";
    const { contentBytes, quotaBytes } = this.#state();
    const left = Math.min(QUOTA_LEFT_BYTES, QUOTA_LEFT_SHARE * quotaBytes);
    return contentBytes + left >= quotaBytes ? "quota" : null;
  }

  /** @param heapLimitBytes of this process */
  setLevel(level: MemoryLevel, heapLimitBytes: number): void {
    this.#level = level;
    this.#heapLimitBytes = heapLimitBytes;
  }

  /**
   * @param other another reason for which this node would take no new watch
   * @returns why it takes none; null: it does
   */
  refuseWatch(other: WatchRefusal | null): WatchRefusal | null {
    if (other !== null || !this.isCritical) return other;
    const reason = `node ${this.#node} has hardly any memory left: watch at another node, or ask again later`;
    return { code: "OVERLOADED", reason };
  }

  /** Splits off the commands of a (checked) group that may be proposed now; null: all of them may. */
  split(group: Uint8Array): SplitGroup | null {
    if (this.#level === "enough") return null;
    const split = splitGroup(group, (cursor) => this.#isRefused(cursor));
    return split.taken.length === 0 ? null : split;
  }

  /** Why this node does not propose it. @param actor the user that gets the text */
  memoryText(actor: Actor | null): string {
    const { sizeBytes, heapBytes, contentBytes } = this.#state();
    // A client can do nothing about it, and an operator should know that it is no key.
    const others = sizeBytes - contentBytes;
    const ofSessions =
      others > Math.max(OTHERS_BYTES, OTHERS_SHARE * sizeBytes)
        ? ` (${mebibytes(others)} of it is kept for the sessions of clients)`
        : "";
    return (
      `node ${this.#node} has no memory left for more: its state takes ${mebibytes(sizeBytes)}${ofSessions} and its history ` +
      `${mebibytes(heapBytes - sizeBytes)} of a heap of ${mebibytes(this.#heapLimitBytes)}${this.#where(actor)}; nothing was ` +
      `changed. Delete keys, keep less history, or start the nodes with ` +
      `NODE_OPTIONS=--max-old-space-size=${Math.ceil((2 * this.#heapLimitBytes) / 2 ** 20)}`
    );
  }

  /** Why all nodes refuse it. @param actor the user that gets the text */
  quotaText(actor: Actor | null): string {
    const { contentBytes, quotaBytes } = this.#state();
    return (
      `keys and values take ${mebibytes(contentBytes)} of the quota of ${mebibytes(quotaBytes)}${this.#where(actor)}; nothing was ` +
      `changed. Delete keys, or raise the quota: omnikv config set quota ${Math.ceil((2 * quotaBytes) / 2 ** 20)}m`
    );
  }

  #isRefused(cursor: CommandCursor): boolean {
    const operation = operationOf(cursor.op);
    if (operation?.kind === "txn") return canGrow(cursor.txn());
    if (operation?.kind === "lease") return cursor.op === OP.leaseGrant;
    if (operation?.kind !== "key" || operation.growth === "frees") return false;
    if (this.#level === "critical") return true;
    if (operation.answer === "swapped" && this.#mayKeep(cursor)) return true;
    return operation.growth === "adds" || this.#grows(cursor);
  }

  #grows(cursor: CommandCursor): boolean {
    return this.#state().growthBy(cursor.key(), cursor.valueLength) > 0;
  }

  /** When a cas fails its session keeps the key's value, which takes memory of its own once the key is written again. */
  #mayKeep(cursor: CommandCursor): boolean {
    return (this.#state().read(cursor.key())?.value.length ?? 0) >= KEPT_BYTES;
  }

  #where(actor: Actor | null): string {
    const tick = this.#tick();
    const state = this.#state();
    if (this.#lookedTick === null || tick - this.#lookedTick >= LOOK_TICKS) {
      this.#lookedTick = tick;
      this.#prefixes = state.largestPrefixes().map(({ prefix, share }) => {
        const end = afterPrefix(bytesOf(prefix));
        return {
          where: { start: prefix, end: end === null ? null : byteStringOf(end) },
          words: `, ${Math.round(100 * share)} % under ${JSON.stringify(textOf(prefix))}`,
        };
      });
    }
    return this.#prefixes
      .filter(({ where }) => mayRead(state.access, { actor }, where))
      .map(({ words }) => words)
      .join("");
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
