/**
 * Leases in a snapshot: three kinds of sections (frozen-state.ts). The one of leases stands before the others.
 *
 *     leases := varint clock (ms) · u8 (1: it was moved) · [varint n · varint pid · u32 salt · varint count] · varint last id
 *               · varint leases · (varint id · varint ttl · varint waits · varint ends at){leases}: in the order of ids
 *     writes := (varint id)*: of leases of writes, in order; left out where there are none
 *     bound  := (sized key · varint lease)*: in the order of keys, in all sections together
 */
import {
  ByteReader,
  type ByteString,
  ByteWriter,
  KEY_BYTES_MAX,
  LEASE_TTL_MAX_MS,
  LEASE_TTL_MIN_MS,
  LEASES_MAX,
} from "../../base/index.ts";
import {
  NO_LEASES,
  RENEWAL_STEPS,
  type ClockState,
  type LeasesState,
  type LeaseTime,
} from "../keys/leases.ts";

/** No client has ever used leases: then snapshots have no section for them. */
export function areUnused({ clock, lastId, leases }: LeasesState): boolean {
  return clock.last === null && lastId === 0 && leases.length === 0;
}

export function encodeLeases({ clock, lastId, leases }: LeasesState): Uint8Array {
  const out = new ByteWriter(64 + 16 * leases.length, Number.POSITIVE_INFINITY);
  out.varint(clock.ms);
  out.u8(clock.last === null ? 0 : 1);
  if (clock.last !== null) {
    const { round, count } = clock.last;
    out.varint(round.n);
    out.varint(round.pid);
    out.u32(round.salt);
    out.varint(count);
  }
  out.varint(lastId);
  out.varint(leases.length);
  for (const { id, ttlMs, waits, endsAtMs } of leases) {
    out.varint(id);
    out.varint(ttlMs);
    out.varint(waits);
    out.varint(endsAtMs);
  }
  return out.copy();
}

/** @returns what is wrong, as a text, when they are none */
export function decodeLeases(bytes: Uint8Array): LeasesState | string {
  const reader = new ByteReader().reset(bytes);
  const clock = readClock(reader);
  const lastId = reader.varint();
  const count = reader.varint();
  if (count > LEASES_MAX) reader.fail(`at most ${LEASES_MAX} leases`);
  const leases: LeaseTime[] = [];
  let before = 0;
  for (let i = 0; i < count && !reader.failed; i++) {
    const lease = {
      id: reader.varint(),
      ttlMs: reader.varint(),
      waits: reader.varint(),
      endsAtMs: reader.varint(),
      ofWrite: false,
    };
    if (lease.id <= before || lease.waits > RENEWAL_STEPS) reader.fail("leases in order");
    if (lease.ttlMs < LEASE_TTL_MIN_MS || lease.ttlMs > LEASE_TTL_MAX_MS) {
      reader.fail("a time to live that a lease may have");
    }
    before = lease.id;
    leases.push(lease);
  }
  if (!reader.isAtEnd) reader.fail("the end of the leases");
  return reader.failed ? reader.problem : { clock, lastId, leases };
}

export function hasOfWrites({ leases }: LeasesState): boolean {
  return leases.some(({ ofWrite }) => ofWrite);
}

export function encodeOfWrites({ leases }: LeasesState): Uint8Array {
  const out = new ByteWriter(16 * leases.length, Number.POSITIVE_INFINITY);
  for (const { id, ofWrite } of leases) if (ofWrite) out.varint(id);
  return out.copy();
}

/**
 * @param state with all leases, of which none is one of a write yet
 * @returns what is wrong, as a text, when they are none
 */
export function decodeOfWrites(bytes: Uint8Array, state: LeasesState): LeasesState | string {
  const reader = new ByteReader().reset(bytes);
  const ids = new Set<number>();
  let before = 0;
  while (!reader.failed && !reader.isAtEnd) {
    const id = reader.varint();
    if (id <= before) reader.fail("ids in order");
    before = id;
    ids.add(id);
  }
  if (reader.failed) return reader.problem;
  const leases = state.leases.map((lease) => ({ ...lease, ofWrite: ids.delete(lease.id) }));
  return ids.size === 0 ? { ...state, leases } : "leases of writes that are not there";
}

function readClock(reader: ByteReader): ClockState {
  const ms = reader.varint();
  const wasMoved = reader.u8();
  if (wasMoved === 0) return { ...NO_LEASES.clock, ms };
  if (wasMoved > 1) reader.fail("0 or 1");
  const round = { n: reader.varint(), pid: reader.varint(), salt: reader.u32() };
  return { ms, last: { round, count: reader.varint() } };
}

export interface BoundKey {
  readonly key: ByteString;
  readonly lease: number;
}

export function encodeBound(keys: readonly BoundKey[]): Uint8Array {
  const out = new ByteWriter(64 * keys.length, Number.POSITIVE_INFINITY);
  for (const { key, lease } of keys) {
    out.sizedByteString(key);
    out.varint(lease);
  }
  return out.copy();
}

/** @returns what is wrong, as a text, when they are none */
export function decodeBound(bytes: Uint8Array): readonly BoundKey[] | string {
  const reader = new ByteReader().reset(bytes);
  const keys: BoundKey[] = [];
  while (!reader.failed && !reader.isAtEnd) {
    const length = reader.varint();
    if (length > KEY_BYTES_MAX) reader.fail(`at most ${KEY_BYTES_MAX} bytes`);
    keys.push({ key: reader.byteString(length), lease: reader.varint() });
  }
  return reader.failed ? reader.problem : keys;
}
