/**
 * How much work clients may ask for in few bytes: that of transactions and leases (txn-work.ts), and on long values. An
 * operation that appends to a value (`growth` "adds" in the table of operations) costs every node as much as a write of the
 * whole value, about a millisecond for 1 MiB, and a frame of 256 KiB has room for thousands of them. Each client has its
 * share (work-shares.ts).
 *
 * Why here: a command refused before it is proposed has had no effect, and its client may ask again. In the replicated state the
 * session would have to remember a refusal, and repeat it to a client that asks again later.
 */
import {
  OP,
  operationOf,
  OP_NAMES,
  OPERATIONS,
  type Operation,
} from "../../store/operations/index.ts";
import {
  rulesFor,
  splitGroup,
  type CommandCursor,
  type KvState,
  type SplitGroup,
} from "../../store/index.ts";
import { type Asker, DELETED_FOR_LOOKED, TxnWork } from "./txn-work.ts";
import { WorkShares } from "../requests/work-shares.ts";

/** What makes a shorter value costs no more than any command. */
const FREE_BYTES = 4 * 1024;
/** Of the values made, by all clients of this node: some 20 ms of each node's time, for a value is made, hashed and kept. */
const AT_ONCE_BYTES = 2 * 1024 * 1024;
/** At 10 ms a tick 6 MiB a second: from three nodes that is a fifth of each one's time. */
const BYTES_PER_TICK = 64 * 1024;

/** Groups that earlier rules know have nothing of the kind. */
const COSTLY_RULES = Math.min(
  ...OP_NAMES.map((name): Operation => OPERATIONS[name])
    .filter((operation) => isCostly(operation))
    .map(({ since }) => since),
);

function isCostly(operation: Operation): boolean {
  const { kind } = operation;
  if (kind === "txn" || kind === "lease") return true;
  return kind === "key" && operation.growth === "adds";
}

export class Rebuilds {
  readonly #state: () => KvState;
  readonly #txns: TxnWork;
  readonly #shares = new WorkShares(AT_ONCE_BYTES, BYTES_PER_TICK);

  constructor(state: () => KvState) {
    this.#state = state;
    this.#txns = new TxnWork(() => state().cells);
  }

  /** Splits off the commands of a (checked) group that may be proposed now, and counts their work; null: all of them may. */
  split(asker: Asker, group: Uint8Array, tick: number): SplitGroup | null {
    if (rulesFor(group) < COSTLY_RULES) return null;
    const split = splitGroup(group, (cursor) => !this.#take(asker, cursor, tick));
    return split.taken.length === 0 ? null : split;
  }

  #take(asker: Asker, cursor: CommandCursor, tick: number): boolean {
    const operation = operationOf(cursor.op);
    if (operation?.kind === "txn") return this.#txns.take(asker, cursor.txn(), tick);
    if (operation?.kind === "lease") {
      return this.#txns.takeCells(asker, this.#leaseCells(cursor), tick);
    }
    if (operation?.kind !== "key" || operation.growth !== "adds") return true;
    const length = (this.#state().read(cursor.key())?.value.length ?? 0) + cursor.valueLength;
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
  "this client put too many bytes behind long values, or its transactions and leases looked at too many keys or copied long values too often, " +
  "in a short time; nothing was changed: use keys of their own for what grows, transactions with smaller ranges, fewer keys and no long " +
  "values that they keep or return, or ask again later";
