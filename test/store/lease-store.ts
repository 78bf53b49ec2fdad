/** A state with leases, for tests: each command is an entry of its own. */
import { byteStringOfText, textOf } from "../../src/base/byte-string.ts";
import { LEASE_TTL_MIN_MS } from "../../src/base/limits.ts";
import {
  buildEntry,
  decodeNumbers,
  encodeClock,
  encodeNumbers,
  encodeTxn,
  GroupWriter,
  KvState,
  NO_SESSION,
  openingEntry,
  rulesFor,
  STATUS,
  validateEntry,
  type ByteString,
  type Compare,
  type FrozenState,
  type TxnOp,
} from "../../src/store/index.ts";
import { NEWEST_RULES, type Command } from "../../src/store/operations/index.ts";
import { SnapshotDecoder } from "../../src/store/snapshot-decoder.ts";
import { byteString } from "./helpers.ts";

export const TTL = LEASE_TTL_MIN_MS;
export const ROUND = { n: 1, pid: 1, salt: 7 };
export const key = (text: string): ByteString => byteStringOfText(text);
export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

export interface Answer {
  readonly status: number;
  readonly revision: number;
  readonly actual: ByteString | undefined;
}

/** With one session. */
export class Store {
  state: KvState;
  #session = 0;
  #sequence = 0;
  #count = 0;
  #round = { ...ROUND, n: 0 };

  readonly #known: number;

  /** @param known rules of entries, as of `rulesFor` */
  constructor(state = new KvState(), known: number = NEWEST_RULES) {
    this.state = state;
    this.#known = known;
    this.begin(1);
    this.#entry(NO_SESSION, 1, { kind: "openSession", nonce: new Uint8Array(16) });
  }

  /** Another leader's round. */
  begin(n: number): void {
    this.#round = { ...ROUND, n };
    this.#count = 0;
    const writer = new GroupWriter();
    writer.add(0, { kind: "noop" });
    const bare = buildEntry({ node: 1, nonce: 7, batch: 1 }, [writer.take(NO_SESSION, 0)]);
    const opening = openingEntry(bare, this.#round);
    if (opening !== null) this.state.apply(opening, this.state.appliedIdx);
  }

  do(command: Command): Answer {
    return this.#entry(this.#session, this.#sequence++, command);
  }

  /** The last command once more. */
  again(command: Command): Answer {
    return this.#entry(this.#session, this.#sequence - 1, command);
  }

  grant(ttl = TTL, lease = 0): number {
    const { status, revision } = this.do({ kind: "leaseGrant", ttl, lease });
    return status === STATUS.ok ? revision : -status;
  }

  renew(...ids: number[]): number[] | null {
    const { actual } = this.do({ kind: "leaseKeepAlive", numbers: encodeNumbers(ids) });
    return decodeNumbers(Buffer.from(actual ?? "", "latin1"));
  }

  txn(...success: TxnOp[]): Answer {
    const txn = encodeTxn({ compare: [], success, failure: [] });
    return this.do({ kind: "leasedTxn", txn });
  }

  put(name: string, lease?: number | null, value: string | null = "v"): Answer {
    const put: Extract<TxnOp, { op: "put" }> = {
      op: "put",
      key: key(name),
      value: value === null ? null : key(value),
      previous: false,
    };
    return this.txn(lease === undefined ? put : { ...put, lease });
  }

  compares(compare: Compare): boolean {
    const txn = encodeTxn({ compare: [compare], success: [], failure: [] });
    return this.do({ kind: "leasedTxn", txn }).status === STATUS.txnThen;
  }

  write(name: string): void {
    this.do({ kind: "write", key: bytes(name), value: bytes("w") });
  }

  step(passedMs: number): Answer {
    return this.clock(passedMs, ++this.#count);
  }

  clock(passedMs: number, count: number, round = this.#round): Answer {
    return this.#entry(NO_SESSION, 0, {
      kind: "clock",
      numbers: encodeClock({ passedMs, round, count }),
    });
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 100) this.step(Math.min(100, left));
  }

  get keys(): string[] {
    return this.state.readRange({ limit: 1_000_000 }).map(({ key: name }) => textOf(name));
  }

  lease(name: string): number | undefined {
    return this.state.read(key(name))?.lease;
  }

  #entry(session: number, sequence: number, command: Command): Answer {
    const writer = new GroupWriter();
    writer.add(sequence, command);
    const groups = [writer.take(session, session === NO_SESSION ? 0 : sequence)];
    const rules = rulesFor(groups, this.#known);
    const entry = buildEntry({ node: 1, nonce: 7, batch: 1 }, groups, rules);
    const wrong = validateEntry(entry);
    if (wrong !== null) throw wrong;
    let answer: Answer | null = null;
    this.state.apply(entry, this.state.appliedIdx, {
      beginGroup: () => {},
      opened: (_sequence, _nonce, id) => (this.#session = id),
      answer: (_session, _sequence, status, revision, actual) =>
        (answer = { status, revision, actual: byteString(actual) }),
    });
    return answer ?? { status: STATUS.ok, revision: 0, actual: undefined };
  }
}

export function loaded(frozen: FrozenState): KvState {
  const decoder = new SnapshotDecoder();
  for (const piece of frozen.encodeSnapshot(1000)) {
    decoder.push(piece);
    while (decoder.step(100));
  }
  while (decoder.step(100));
  return decoder.finish();
}

export const snapshotOf = (frozen: FrozenState): string =>
  Buffer.concat([...frozen.encodeSnapshot(4096)]).toString("hex");
