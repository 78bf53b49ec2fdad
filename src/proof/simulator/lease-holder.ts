/**
 * A client of leases: it grants, renews or forgets, binds keys and lets them go, and revokes. It may also write keys with leases for
 * single writes, as the client library does. It notes the answers to its transactions
 * with those of other clients; lease-check.ts checks its grants and renewals against the decided log. Its keys begin with LEASE_KEYS,
 * so that the other clients' histories stay what they are.
 */
import { LEASE_TTL_MIN_MS } from "../../base/index.ts";
import {
  byteStringOf,
  byteStringOfText,
  decodeNumbers,
  encodeNumbers,
  encodeTxn,
  STATUS,
  type Compare,
  type TxnOp,
} from "../../store/index.ts";
import { Asker, type AskerOptions } from "./asker.ts";
import type { TxnRecord } from "./history.ts";

export const LEASE_KEYS = "l/";
const PAUSE_MS_MAX = 60;
/** The longest that one lives when nobody renews it. */
export const LEASE_TTL_MAX = 2 * LEASE_TTL_MIN_MS;
/** Keys in all; they are those of all holders. */
export const LEASE_KEYS_COUNT = 4;
/** Leases that a holder knows of at once. */
const KNOWN_MAX = 3;

/** An answer to a holder about a lease. */
export interface LeaseRecord {
  readonly kind: "granted" | "renewed" | "gone" | "revoked";
  readonly id: number;
  /** When it was asked for, and answered: in real time. */
  readonly askedMs: number;
  readonly toldMs: number;
}

interface LeaseHolderOptions extends AskerOptions {
  /** Whether it writes with leases for single writes. */
  readonly writes: boolean;
}

/** Of a hundred deeds, for who does that. */
const WRITES = 30;
/** The least id of such a lease, and how many there are at least. */
const WRITE_ID = 2 ** 51;
const WRITE_IDS = 2 ** 32;

export class LeaseHolder extends Asker<LeaseHolderOptions> {
  readonly records: LeaseRecord[] = [];
  readonly #known: number[] = [];
  #made = 0;
  /** Of a hundred deeds: of some so few that leases end. */
  readonly #renewals: number;

  constructor(options: LeaseHolderOptions) {
    super(options, "l", options.random.pick([60, 150, 400]), PAUSE_MS_MAX);
    this.#renewals = options.random.pick([2, 5, 40]);
  }

  protected ask(): void {
    const { random, writes } = this.options;
    if (writes && random.chance(WRITES / 100)) return this.#write();
    const dice = random.below(100);
    if (this.#known.length === 0 || (dice < 10 && this.#known.length < KNOWN_MAX)) this.#grant();
    else if (dice < 10 + this.#renewals) this.#renew();
    else if (dice < 90) this.#put();
    else if (dice < 93) this.#revoke();
    else if (dice < 96) this.#forget(random.pick(this.#known));
    else this.#look();
  }

  #grant(): void {
    const { random } = this.options;
    const ttl = random.between(LEASE_TTL_MIN_MS, LEASE_TTL_MAX);
    const askedMs = this.options.clock.now();
    const grant = { kind: "leaseGrant", ttl, lease: 0 } as const;
    this.core.submit(grant, { node: null }, (error, answer) => {
      if (answer === null) return this.#over(`grant: ${error?.code}`);
      this.#known.push(answer.revision);
      this.#note("granted", answer.revision, askedMs);
      this.#over("granted");
    });
  }

  #renew(): void {
    const ids = [...this.#known];
    const askedMs = this.options.clock.now();
    const renew = { kind: "leaseKeepAlive", numbers: encodeNumbers(ids) } as const;
    this.core.submit(renew, { node: null }, (error, answer) => {
      if (answer?.value == null) return this.#over(`renew: ${error?.code}`);
      const ttls = decodeNumbers(answer.value) ?? [];
      ids.forEach((id, i) => {
        this.#note(ttls[i] === 0 ? "gone" : "renewed", id, askedMs);
        if (ttls[i] === 0) this.#forget(id, false);
      });
      this.#over(ttls.includes(0) ? "renewed some" : "renewed all");
    });
  }

  #revoke(): void {
    const lease = this.options.random.pick(this.#known);
    const askedMs = this.options.clock.now();
    this.core.submit({ kind: "leaseRevoke", lease }, { node: null }, (error, answer) => {
      if (answer === null) return this.#over(`revoke: ${error?.code}`);
      this.#note("revoked", lease, askedMs);
      this.#forget(lease, false);
      this.#over(answer.status === STATUS.ok ? "revoked" : "revoked what was gone");
    });
  }

  /** Binds a key, lets it be bound as it is, or lets it go. */
  #put(): void {
    const { random } = this.options;
    const name = byteStringOfText(`${LEASE_KEYS}${random.below(LEASE_KEYS_COUNT)}`);
    const id = random.pick(this.#known);
    const put = { op: "put", key: name, value: byteStringOfText("v"), previous: false } as const;
    const dice = random.below(100);
    const ops: TxnOp[] =
      dice < 70
        ? [{ ...put, lease: id }]
        : dice < 80
          ? [{ ...put, lease: null }]
          : dice < 90
            ? [put]
            : [{ op: "delete", where: { key: name }, previous: false }];
    const isBound: Compare = { where: { key: name }, is: "=", target: "lease", to: id };
    this.#commit(random.chance(0.2) ? [isBound] : [], ops);
  }

  /** As the library writes with a time to live; sometimes it is gone before it writes, or writes two keys. */
  #write(): void {
    const { random } = this.options;
    const ttl = random.between(LEASE_TTL_MIN_MS, LEASE_TTL_MAX);
    const lease = WRITE_ID + random.below(WRITE_IDS);
    const names = [
      ...new Set([
        random.below(LEASE_KEYS_COUNT),
        random.chance(0.2) ? random.below(LEASE_KEYS_COUNT) : LEASE_KEYS_COUNT,
      ]),
    ];
    const askedMs = this.options.clock.now();
    this.core.submit({ kind: "leaseGrant", ttl, lease }, { node: null }, (error, answer) => {
      if (answer === null) return this.#over(`write: ${error?.code}`);
      this.#note("granted", lease, askedMs);
      if (random.chance(0.15)) return this.#over("never written");
      const value = byteStringOfText("w");
      const ops = names
        .filter((name) => name < LEASE_KEYS_COUNT)
        .map((name) => byteStringOfText(`${LEASE_KEYS}${name}`))
        .map((key): TxnOp => ({ op: "put", key, value, previous: false, lease }));
      this.#commit([], ops);
    });
  }

  /** What is shown of leases is for the check of reads in general: that it can be asked. */
  #look(): void {
    const lease = this.options.random.pick(this.#known);
    const start = new Uint8Array(0);
    const look = { kind: "lease", lease, start, local: this.options.random.chance(0.5) } as const;
    this.core.submit(look, { node: null }, (error, answer) => {
      const found = answer?.leases?.leases.length ?? 0;
      this.#over(error === null ? `looked at ${found}` : `look: ${error.code}`);
    });
  }

  #forget(id: number, isOver = true): void {
    const at = this.#known.indexOf(id);
    if (at >= 0) this.#known.splice(at, 1);
    if (isOver) this.#over("forgotten");
  }

  /** No two have the same body: what the log has is told apart. */
  #commit(compare: readonly Compare[], success: readonly TxnOp[]): void {
    const { history, index } = this.options;
    const id = byteStringOfText(`${LEASE_KEYS}id/${index}-${this.#made++}`);
    const isMine: Compare = { where: { key: id }, is: "=", target: "lease", to: 0 };
    const body = encodeTxn({ compare: [...compare, isMine], success, failure: [] });
    const record: TxnRecord = {
      client: 100 + index,
      body: byteStringOf(body),
      call: history.mark(),
      back: Number.POSITIVE_INFINITY,
      outcome: { kind: "unknown" },
    };
    history.txns.push(record);
    this.core.submit({ kind: "leasedTxn", txn: body }, { node: null }, (error, answer) => {
      record.back = history.mark();
      if (answer !== null) {
        const { status, revision, value } = answer;
        const succeeded = status === STATUS.txnThen;
        const results = value === null ? null : byteStringOf(value);
        record.outcome = { kind: "told", succeeded, revision, results };
      } else if (error?.definite === true) record.outcome = { kind: "refused" };
      this.#over(error === null ? `put ${record.outcome.kind}` : `put: ${error.code}`);
    });
  }

  #note(kind: LeaseRecord["kind"], id: number, askedMs: number): void {
    this.records.push({ kind, id, askedMs, toldMs: this.options.clock.now() });
  }

  #over(what: string): void {
    this.options.coverage.hit(`lease: ${what}`);
    this.start();
  }
}
