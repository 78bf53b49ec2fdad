/**
 * A client whose user may not do everything, and asks for all of it. It notes the outcome of each request with the rights that it
 * needs; access-check.ts checks these against the decided log when the run is over.
 */
import type { Answer, Operation } from "../../client/core/index.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import {
  byteStringOf,
  byteStringOfText,
  bytesOf,
  encodeTxn,
  STATUS,
  type ByteString,
  type Compare,
  type Txn,
  type TxnOp,
  type Where,
} from "../../store/index.ts";
import { LIMITED_KEYS, LIMITED_KEYS_COUNT, passwordOf } from "./access-changes.ts";
import { Asker, type AskerOptions } from "./asker.ts";
import type { LimitedRecord } from "./history.ts";
import { askOfLeases } from "./limited-leases.ts";
import type { Question } from "./question.ts";

const PAUSE_MS_MAX = 30;

export interface LimitedOptions extends AskerOptions {
  readonly user: string;
  /** What it draws of leases; null: it knows nothing of them. */
  readonly leases: SeededRandom | null;
}

/** Of a hundred questions, for who knows of leases. */
const OF_LEASES = 30;

export class LimitedClient extends Asker<LimitedOptions> {
  #made = 0;

  constructor(options: LimitedOptions) {
    const { user } = options;
    const password = passwordOf(user);
    super(options, "u", options.random.pick([60, 150, 400]), PAUSE_MS_MAX, { user, password });
  }

  protected ask(): void {
    const { history, random, coverage, user } = this.options;
    const { what, operation, reads, writes, needs } = this.#draw();
    const call = history.mark();
    const node = random.chance(0.3) ? random.pick(this.options.nodes).id : null;
    this.core.submit(operation, { node }, (error, answer) => {
      const code = error?.code ?? "ok";
      coverage.hit(`limited: ${what} ${code}`);
      const outcome = answer === null ? code : "ok";
      const local = "local" in operation && operation.local;
      const revisions = answer === null ? null : revisionsOf(answer, writes.length > 0);
      const record = { user, what, call, local, reads, writes, outcome, revisions };
      if (needs === undefined) history.limited.push(record);
      else if (answer !== null) {
        // Of what it was told at least, it may know.
        const told = (answer.leases?.keys ?? []).map((key) => ({ key: byteStringOf(key) }));
        history.limited.push({ ...record, reads: told, revisions: null });
      }
      this.start();
    });
  }

  #draw(): Question {
    const { random, index, leases } = this.options;
    if (leases?.chance(OF_LEASES / 100) === true) {
      const value = byteStringOfText(`u${index}-${this.#made++}`);
      return askOfLeases(leases, keyOf(leases), value);
    }
    const [one, other] = [keyOf(random), keyOf(random)];
    const key = bytesOf(one);
    const value = Buffer.from(`u${index}-${this.#made++}`);
    const local = random.chance(0.4);
    const dice = random.below(100);
    if (dice < 18) return asks("write", { kind: "write", key, value }, [], [one]);
    if (dice < 24) return asks("append", { kind: "append", key, value }, [], [one]);
    if (dice < 34) return asks("cas", { kind: "casAbsent", key, value }, [one], [one]);
    if (dice < 40) return asks("delete", { kind: "delete", key }, [], [one]);
    if (dice < 50) return asks("read", { kind: "read", key, local, revision: 0 }, [one], []);
    if (dice < 62) {
      const keys = [key, bytesOf(other)];
      return asks("keys", { kind: "keys", keys, local, revision: 0 }, [one, other], []);
    }
    if (dice < 76) return this.#range(one, other, local);
    return this.#txn(one, other, byteStringOfText(value.toString()));
  }

  #range(one: ByteString, other: ByteString, local: boolean): Question {
    const [start, end] = one < other ? [one, other] : [other, `${one}\u0000` as ByteString];
    const range = {
      reverse: false,
      countOnly: false,
      keysOnly: false,
      limit: 100,
      revision: 0,
      start: bytesOf(start),
      end: bytesOf(end),
    };
    const where = { start, end };
    return {
      what: "range",
      operation: { kind: "range", range, local },
      reads: [where],
      writes: [],
    };
  }

  #txn(one: ByteString, other: ByteString, value: ByteString): Question {
    const { random } = this.options;
    const compare: Compare[] = random.chance(0.5)
      ? [{ where: { key: one }, target: "version", is: "=", to: 0 }]
      : [];
    const put: TxnOp = { op: "put", key: random.chance(0.5) ? one : other, value, previous: false };
    const where = { key: other };
    const get: TxnOp = { op: "get", where, limit: 0, keysOnly: false, countOnly: false };
    const isSplit = random.chance(0.5);
    const txn: Txn = isSplit
      ? { compare, success: [put], failure: [get] }
      : { compare, success: [get], failure: [put] };
    const reads: Where[] = [where, ...compare.map((one) => one.where)];
    return {
      what: "transaction",
      operation: { kind: "txn", txn: encodeTxn(txn) },
      reads,
      writes: [{ key: put.key }],
    };
  }
}

function keyOf(random: SeededRandom): ByteString {
  return byteStringOfText(`${LIMITED_KEYS}${random.below(LIMITED_KEYS_COUNT)}`);
}

function asks(
  what: string,
  operation: Operation,
  reads: readonly ByteString[],
  writes: readonly ByteString[],
): Question {
  const where = (key: ByteString): Where => ({ key });
  return { what, operation, reads: reads.map(where), writes: writes.map(where) };
}

/** Between which revisions it was decided; null: the answer does not say. */
function revisionsOf(
  { status, revision, page }: Answer,
  isWrite: boolean,
): LimitedRecord["revisions"] {
  if (page !== null) return { from: page.revision, isChange: false };
  switch (status) {
    case STATUS.txnThen:
    case STATUS.txnElse:
      return { from: revision, isChange: false };
    case STATUS.ok:
      // A read is told when its key was changed last.
      return isWrite ? { from: revision, isChange: true } : null;
    default:
      return null;
  }
}
