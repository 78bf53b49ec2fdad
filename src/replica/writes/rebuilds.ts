/**
 * How much work clients may ask for in few bytes: that of transactions and leases (txn-work.ts), and on long values. An
 * operation that appends to a value (`growth` "adds" in the table of operations) costs every node as much as a write of the
 * whole value, about a millisecond for 1 MiB, and a frame of 256 KiB has room for thousands of them. So does a `cas` whose
 * condition is not met: its answer has the value, and the session keeps it. Each client has its share (work-shares.ts).
 *
 * Why here: a command refused before it is proposed has had no effect, and its client may ask again. In the replicated state the
 * session would have to remember a refusal, and repeat it to a client that asks again later.
 */
import type { ByteString } from "../../base/index.ts";
import {
  OP,
  operationOf,
  OP_NAMES,
  OPERATIONS,
  type Operation,
} from "../../store/operations/index.ts";
import {
  outlineOf,
  splitGroup,
  type CommandCursor,
  type KvState,
  type SplitGroup,
} from "../../store/index.ts";
import { ComingLengths } from "./coming-lengths.ts";
import { type Asker, DELETED_FOR_LOOKED, TxnWork } from "./txn-work.ts";
import { WorkShares } from "../requests/work-shares.ts";

/** What makes a shorter value costs no more than any command. */
const FREE_BYTES = 4 * 1024;
/** Values of so many bytes are followed on their way to the log. */
const LONG_BYTES = FREE_BYTES;
/** Of the values made, by all clients of this node: some 20 ms of each node's time, for a value is made, hashed and kept. */
const AT_ONCE_BYTES = 2 * 1024 * 1024;
/** At 10 ms a tick 6 MiB a second: from three nodes that is a fifth of each one's time. */
const BYTES_PER_TICK = 64 * 1024;

/** By code. Groups without them are let through as they are. */
const COSTLY = OP_NAMES.map((name): Operation => OPERATIONS[name]).reduce<boolean[]>(
  (all, operation) => {
    all[operation.code] = isCostly(operation);
    return all;
  },
  [],
);

const REVOKES: readonly boolean[] = COSTLY.map((_, code) => code === OP.leaseRevoke);

function isCostly(operation: Operation): boolean {
  const { kind } = operation;
  if (kind === "txn" || kind === "lease") return true;
  return kind === "key" && (operation.growth === "adds" || operation.answer === "swapped");
}

export class Rebuilds {
  readonly #state: () => KvState;
  readonly #txns: TxnWork;
  readonly #shares = new WorkShares(AT_ONCE_BYTES, BYTES_PER_TICK);

  /** How long values will be, as far as the state does not know yet: the writes are in this group, or on their way to the log. */
  readonly #coming = new ComingLengths();

  constructor(state: () => KvState) {
    this.#state = state;
    this.#txns = new TxnWork(
      () => state().cells,
      (key) => this.#lengthOf(key),
    );
  }

  /** Splits off the commands of a (checked) group that may be proposed now, and counts their work; null: all of them may. */
  split(asker: Asker, group: Uint8Array, tick: number): SplitGroup | null {
    this.#coming.forget(tick);
    const { hasAny: hasCostly, longest } = outlineOf(group, COSTLY);
    if (!hasCostly && longest < LONG_BYTES) return null;
    const split = splitGroup(group, (cursor) => {
      const isRefused = hasCostly && !this.#take(asker, cursor, tick);
      if (!isRefused) this.#note(cursor, tick);
      return isRefused;
    });
    return split.taken.length === 0 ? null : split;
  }

  /**
   * Splits off the commands of a (checked) group about whose rights nothing may be found out now, and counts what that takes: whether a user
   * may revoke a lease is a question about each of its keys. Null: there are none.
   */
  splitBeforeJudged(asker: Asker, group: Uint8Array, tick: number): SplitGroup | null {
    if (!outlineOf(group, REVOKES).hasAny) return null;
    const split = splitGroup(group, ({ op, lease }) => {
      if (op !== OP.leaseRevoke) return false;
      return !this.#txns.takeCells(asker, this.#state().leases.keysOf(lease), tick);
    });
    return split.taken.length === 0 ? null : split;
  }

  #lengthOf(key: ByteString): number {
    return Math.max(this.#state().read(key)?.value.length ?? 0, this.#coming.of(key));
  }

  #note(cursor: CommandCursor, tick: number): void {
    const operation = operationOf(cursor.op);
    if (operation?.kind !== "key" || operation.growth === "frees") return;
    const { valueLength } = cursor;
    // An append is followed only where it is long already: there are many more of those to short values.
    if (valueLength < LONG_BYTES && operation.growth !== "adds") return;
    const key = cursor.key();
    const before = operation.growth === "adds" ? this.#lengthOf(key) : 0;
    if (before + valueLength >= LONG_BYTES) this.#coming.note(key, before + valueLength, tick);
  }

  #take(asker: Asker, cursor: CommandCursor, tick: number): boolean {
    const operation = operationOf(cursor.op);
    if (operation?.kind === "txn") return this.#txns.take(asker, cursor.txn(), tick);
    if (operation?.kind === "lease") {
      return this.#txns.takeCells(asker, this.#leaseCells(cursor), tick);
    }
    if (operation?.kind !== "key" || !isCostly(operation)) return true;
    const held = this.#lengthOf(cursor.key());
    const length =
      operation.growth === "adds"
        ? held + cursor.valueLength
        : // Nobody knows yet whether the condition is met. Who sends as many bytes as there are asks for no more than with a write.
          held - (cursor.recordEnd - cursor.recordStart);
    if (length <= FREE_BYTES) return true;
    const may = length <= this.#shares.room(asker.id, tick);
    if (may) this.#shares.take(asker.id, length);
    else this.#shares.refuse(asker.id, 0);
    return may;
  }

  /** The work of a command about leases, in cells looked at: to renew a lease takes one byte of a frame or more. */
  #leaseCells(cursor: CommandCursor): number {
    if (cursor.op === OP.leaseKeepAlive) return cursor.numbers().length;
    if (cursor.op !== OP.leaseRevoke) return 1;
    return 1 + DELETED_FOR_LOOKED * this.#state().leases.keysOf(cursor.lease);
  }
}

export const REBUILDS_TEXT =
  "this client put too many bytes behind long values, had too many long values compared by cas, or its transactions and leases looked at too " +
  "many keys or copied long values too often, in a short time; nothing was changed: use keys of their own for what grows and for what is " +
  "compared, transactions with smaller ranges, fewer keys and no long values that they keep or return, or ask again later";
