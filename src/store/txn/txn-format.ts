/**
 * The body of a transaction, in a log and in a frame.
 *
 *     txn      := varint n · compare{n} · varint n · op{n} (then) · varint n · op{n} (else)
 *     compare  := u8 target + 8 × relation + 32 × isRange + 64 × hasEnd · where · (sized value | varint)
 *     op       := u8 1 · u8 flags (1 previous, 2 keep the value, 4 a lease, 8 keep the lease) · sized key
 *                 · sized value (not when it is kept) · varint lease (with 4)
 *               | u8 2 · u8 flags (1 previous, 32 isRange, 64 hasEnd) · where
 *               | u8 3 · u8 flags (1 keys only, 2 count only, 32 isRange, 64 hasEnd) · where · varint limit (0: none)
 *               | u8 4 · txn
 *     where    := sized key | sized start · sized end (with hasEnd)
 *     sized    := varint length · bytes
 *
 * Codes are positions in txn.ts. The flags of leases, and comparisons with them, are in a leasedTxn only: programs that do not know
 * that operation would refuse a txn with them. For any bytes, decoding ends in a transaction within the limits or in a text that
 * says what is wrong: no transaction is longer than TXN_BYTES_MAX, or has more than TXN_PARTS_MAX parts.
 */
import {
  ByteReader,
  type ByteString,
  ByteWriter,
  EMPTY_BYTES,
  KEY_BYTES_MAX,
  TXN_DEPTH_MAX,
  TXN_OPS_MAX,
  TXN_PARTS_MAX,
  unreachable,
  VALUE_BYTES_MAX,
} from "../../base/index.ts";
import {
  RELATIONS,
  TARGETS,
  type Compare,
  type PutOp,
  type Txn,
  type TxnOp,
  type Where,
} from "./txn.ts";

const OP_PUT = 1;
const OP_DELETE = 2;
const OP_GET = 3;
const OP_TXN = 4;
const PREVIOUS = 1;
const KEEP_VALUE = 2;
const WITH_LEASE = 4;
const KEEP_LEASE = 8;
const KEYS_ONLY = 1;
const COUNT_ONLY = 2;
const IS_RANGE = 32;
const HAS_END = 64;
const TARGET_MASK = 7;
const RELATION_SHIFT = 3;
const RELATION_MASK = 3;

/** The body of a transaction within the limits. */
export function encodeTxn(txn: Txn): Uint8Array {
  const out = new ByteWriter(256);
  writeTxn(out, txn);
  return out.copy();
}

/**
 * @param mayHaveLeases it is that of a leasedTxn, or it was checked
 * @returns what is wrong, as a text, when it is no body of a transaction
 */
export function decodeTxn(body: Uint8Array, mayHaveLeases = true): Txn | string {
  const reader = new ByteReader().reset(body);
  const parser = new Parser(reader, mayHaveLeases);
  const txn = parser.txn(1);
  if (!reader.failed && !reader.isAtEnd) reader.fail("the end of the transaction");
  return reader.failed ? reader.problem : txn;
}

function writeTxn(out: ByteWriter, txn: Txn): void {
  out.varint(txn.compare.length);
  for (const compare of txn.compare) writeCompare(out, compare);
  for (const ops of [txn.success, txn.failure]) {
    out.varint(ops.length);
    for (const op of ops) writeOp(out, op);
  }
}

function writeCompare(out: ByteWriter, compare: Compare): void {
  const { target, is, where } = compare;
  const relation = RELATIONS.indexOf(is) << RELATION_SHIFT;
  out.u8(TARGETS.indexOf(target) | relation | flagsOf(where));
  writeWhere(out, where);
  if (compare.target === "value") out.sizedByteString(compare.to);
  else out.varint(compare.to);
}

function writeOp(out: ByteWriter, op: TxnOp): void {
  switch (op.op) {
    case "put":
      out.u8(OP_PUT);
      out.u8((op.previous ? PREVIOUS : 0) | (op.value === null ? KEEP_VALUE : 0) | leaseFlag(op));
      out.sizedByteString(op.key);
      if (op.value !== null) out.sizedByteString(op.value);
      if (op.lease) out.varint(op.lease);
      return;
    case "delete":
      out.u8(OP_DELETE);
      out.u8((op.previous ? PREVIOUS : 0) | flagsOf(op.where));
      writeWhere(out, op.where);
      return;
    case "get":
      out.u8(OP_GET);
      out.u8((op.keysOnly ? KEYS_ONLY : 0) | (op.countOnly ? COUNT_ONLY : 0) | flagsOf(op.where));
      writeWhere(out, op.where);
      out.varint(op.limit);
      return;
    case "txn":
      out.u8(OP_TXN);
      writeTxn(out, op.txn);
      return;
    default:
      unreachable(op, "operation of a transaction");
  }
}

function leaseFlag({ lease }: PutOp): number {
  if (lease === null) return KEEP_LEASE;
  return lease ? WITH_LEASE : 0;
}

function flagsOf(where: Where): number {
  if ("key" in where) return 0;
  return IS_RANGE | (where.end === null ? 0 : HAS_END);
}

function writeWhere(out: ByteWriter, where: Where): void {
  if ("key" in where) return out.sizedByteString(where.key);
  out.sizedByteString(where.start);
  if (where.end !== null) out.sizedByteString(where.end);
}

class Parser {
  readonly #reader: ByteReader;
  readonly #mayHaveLeases: boolean;
  #parts = 0;

  constructor(reader: ByteReader, mayHaveLeases: boolean) {
    this.#reader = reader;
    this.#mayHaveLeases = mayHaveLeases;
  }

  txn(depth: number): Txn {
    if (depth > TXN_DEPTH_MAX) this.#reader.fail(`at most ${TXN_DEPTH_MAX} within each other`);
    const compare = this.#list(() => this.#compare());
    const success = this.#list(() => this.#op(depth));
    return { compare, success, failure: this.#list(() => this.#op(depth)) };
  }

  #list<T>(read: () => T): T[] {
    const reader = this.#reader;
    const count = reader.varint();
    this.#parts += count;
    if (count > TXN_OPS_MAX) reader.fail(`at most ${TXN_OPS_MAX} in one list`);
    else if (this.#parts > TXN_PARTS_MAX) reader.fail(`at most ${TXN_PARTS_MAX} in all`);
    const list: T[] = [];
    for (let i = 0; i < count && !reader.failed; i++) list.push(read());
    return list;
  }

  #compare(): Compare {
    const reader = this.#reader;
    const bits = reader.u8();
    const target = TARGETS[bits & TARGET_MASK];
    const is = RELATIONS[(bits >> RELATION_SHIFT) & RELATION_MASK] ?? "=";
    const where = this.#where(bits & ~(TARGET_MASK | (RELATION_MASK << RELATION_SHIFT)));
    if (target === "value") return { target, is, where, to: this.#sized(VALUE_BYTES_MAX) };
    if (target === undefined || (target === "lease" && !this.#mayHaveLeases)) {
      reader.fail("a known target of a comparison");
    }
    return { target: target ?? "version", is, where, to: reader.varint() };
  }

  #op(depth: number): TxnOp {
    const reader = this.#reader;
    switch (reader.u8()) {
      case OP_PUT: {
        const ofLeases = this.#mayHaveLeases ? WITH_LEASE | KEEP_LEASE : 0;
        const flags = this.#flags(PREVIOUS | KEEP_VALUE | ofLeases);
        const key = this.#key();
        const value = (flags & KEEP_VALUE) === 0 ? this.#sized(VALUE_BYTES_MAX) : null;
        const put = { op: "put", key, value, previous: (flags & PREVIOUS) !== 0 } as const;
        return (flags & ofLeases) === 0 ? put : { ...put, lease: this.#lease(flags) };
      }
      case OP_DELETE: {
        const flags = this.#flags(PREVIOUS | IS_RANGE | HAS_END);
        return {
          op: "delete",
          where: this.#where(flags & ~PREVIOUS),
          previous: (flags & PREVIOUS) !== 0,
        };
      }
      case OP_GET: {
        const flags = this.#flags(KEYS_ONLY | COUNT_ONLY | IS_RANGE | HAS_END);
        return {
          op: "get",
          where: this.#where(flags & ~(KEYS_ONLY | COUNT_ONLY)),
          limit: reader.varint(),
          keysOnly: (flags & KEYS_ONLY) !== 0,
          countOnly: (flags & COUNT_ONLY) !== 0,
        };
      }
      case OP_TXN:
        return { op: "txn", txn: this.txn(depth + 1) };
      default:
        reader.fail("a known operation of a transaction");
        return { op: "put", key: EMPTY_BYTES, value: null, previous: false };
    }
  }

  /** Null: the one that the key has. */
  #lease(flags: number): number | null {
    if ((flags & KEEP_LEASE) !== 0) {
      if ((flags & WITH_LEASE) !== 0) this.#reader.fail("one lease");
      return null;
    }
    const lease = this.#reader.varint();
    if (lease === 0) this.#reader.fail("the id of a lease");
    return lease;
  }

  #flags(known: number): number {
    const flags = this.#reader.u8();
    if ((flags & ~known) !== 0) this.#reader.fail("known flags");
    return flags;
  }

  #where(flags: number): Where {
    if (flags === 0) return { key: this.#key() };
    if ((flags & ~HAS_END) !== IS_RANGE) this.#reader.fail("a key or a range");
    // One byte more than a key: the first bound above the longest key.
    const start = this.#sized(KEY_BYTES_MAX + 1);
    return { start, end: (flags & HAS_END) === 0 ? null : this.#sized(KEY_BYTES_MAX + 1) };
  }

  #key(): ByteString {
    const key = this.#sized(KEY_BYTES_MAX);
    if (key.length === 0) this.#reader.fail("a key of at least one byte");
    return key;
  }

  #sized(max: number): ByteString {
    const length = this.#reader.varint();
    if (length > max) this.#reader.fail(`at most ${max} bytes`);
    return this.#reader.byteString(length);
  }
}
