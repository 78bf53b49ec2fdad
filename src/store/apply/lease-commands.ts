/** What commands about leases do to the cells and the leases. They name no revisions and keep no answers: the state does. */
import { assert, type ByteString, byteStringOf, ERRORS } from "../../base/index.ts";
import { decodeClock } from "../entries/clock-entry.ts";
import { STATUS, type Status } from "../entries/command.ts";
import { isOfWrite } from "../entries/lease-ids.ts";
import type { RulesAtHand } from "../entries/rules-at-hand.ts";
import type { Leases } from "../keys/leases.ts";
import { decodeNumbers, encodeNumbers } from "../entries/numbers.ts";
import type { OrderedCells } from "../keys/ordered-cells.ts";
import type { RoundName } from "../entries/rounds.ts";
import { LEASE_BYTES } from "../history/state-size.ts";
import { StringKey } from "../entries/string-key.ts";

/**
 * @param id that it is to have; 0: whichever is free
 * @param room bytes by which the state may grow
 * @returns its id, or what is wrong
 */
export function grantLease(
  leases: Leases,
  { lease: id, ttlMs }: { readonly lease: number; readonly ttlMs: number },
  room: number,
  { isBefore10 }: Pick<RulesAtHand, "isBefore10">,
): { readonly status: Status; readonly id: number } {
  if (leases.has(id)) return { status: ERRORS.LEASE_EXISTS.wire, id };
  if (leases.isFull) return { status: ERRORS.LEASE_LIMIT.wire, id };
  if (LEASE_BYTES > room) return { status: ERRORS.NO_SPACE.wire, id };
  return { status: STATUS.ok, id: leases.grant(id, ttlMs, !isBefore10 && isOfWrite(id)) };
}

/** @param ids as of decodeNumbers, checked. @returns their times to live, likewise; 0: there is no such lease */
export function renewLeases(leases: Leases, ids: Uint8Array): ByteString {
  return byteStringOf(encodeNumbers((decodeNumbers(ids) ?? []).map((id) => leases.renew(id))));
}

/** The lease goes, and its keys at this revision. @returns how many there were */
export function endLease(cells: OrderedCells, id: number, revision: number): number {
  const keys = cells.leases.sortedKeys(id);
  for (const key of keys) cells.delete(new StringKey(key), revision);
  cells.leases.remove(id);
  return keys.length;
}

/**
 * @param numbers of the (checked) entry of the clock
 * @param round that the log is in; undefined: none was opened
 * @returns the leases that are due, in the order in which they are to end; null: it does not move the clock
 */
export function moveClock(
  leases: Leases,
  numbers: Uint8Array,
  round: RoundName | undefined,
): readonly number[] | null {
  const entry = decodeClock(numbers);
  assert(entry !== null, "an entry of the clock is checked before it is proposed");
  return leases.isNext(entry, round) ? leases.advance(entry) : null;
}
