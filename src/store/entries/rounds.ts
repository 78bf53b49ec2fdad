/**
 * Where in the log the rounds of its leaders begin. The first entry that a leader proposes in a round says so: it opens the
 * round. A state remembers the latest openings. So a node can compare histories when their entries are gone:
 *
 *   OPENING-1. One leader proposed all entries between the opening of one round and that of the next, and it proposes one entry
 *       for an index, on top of one log. So logs that hold the same opening at the same index are the same up to there, and from
 *       there on until one of them opens another round.
 *   OPENING-2. The salt is random for each process: a ballot that is used twice, because a disk forgot its use, opens two
 *       different rounds.
 */
import { mix32, mixNumber } from "../../base/index.ts";

/** Names a round among all that were ever led. */
export interface RoundName {
  /** The number of the ballot. */
  readonly n: number;
  /** The node of the ballot, which leads. */
  readonly pid: number;
  /** Random per process start, 32 bits. */
  readonly salt: number;
}

export interface Round extends RoundName {
  /** The index of the entry that opens the round. */
  readonly idx: number;
}

export interface Rounds {
  /** Earlier ones, of which nothing else is known. */
  readonly forgotten: number;
  /** The latest ones, ascending by index. */
  readonly kept: readonly Round[];
}

export const NO_ROUNDS: Rounds = { forgotten: 0, kept: [] };

/** Part of the format: all nodes must agree. */
export const ROUNDS_MAX = 4096;

export function withRound({ forgotten, kept }: Rounds, round: Round): Rounds {
  const dropped = kept.length < ROUNDS_MAX ? 0 : 1;
  return { forgotten: forgotten + dropped, kept: [...kept.slice(dropped), round] };
}

export function mixRound(hash: number, { n, pid, salt }: RoundName): number {
  return mix32(mixNumber(mixNumber(hash, n), pid), salt);
}

/**
 * The lowest index at which a history with the rounds `other` is known to part from the first `end` entries of one with the
 * rounds `own`. Null: it holds them all; or `other` has forgotten so much that it cannot be told.
 */
export function partingIdx(own: Rounds, end: number, other: Rounds): number | null {
  const places = new Map(other.kept.map((round, place) => [round.idx, place]));
  let last = own.kept.length - 1;
  while (last >= 0 && (own.kept[last]?.idx ?? 0) >= end) last -= 1;
  for (let at = last; at >= 0; at -= 1) {
    const round = own.kept[at];
    const place = round === undefined ? undefined : places.get(round.idx);
    const same = place === undefined ? undefined : other.kept[place];
    if (round === undefined || place === undefined || same === undefined) continue;
    if (!isSameRound(round, same)) continue;
    const ownNext = at < last ? (own.kept[at + 1]?.idx ?? end) : end;
    return partedBy(ownNext, other.kept[place + 1]?.idx ?? Infinity, end);
  }
  const otherFirst = other.kept[0]?.idx ?? Infinity;
  const ownLast = last < 0 ? 0 : (own.kept[last]?.idx ?? 0);
  if (other.forgotten > 0 && ownLast < otherFirst) return null;
  return partedBy(last < 0 ? end : (own.kept[0]?.idx ?? end), otherFirst, end);
}

/** From the last common opening on the histories are one until either opens another round. */
function partedBy(ownNext: number, otherNext: number, end: number): number | null {
  const idx = Math.min(ownNext, otherNext);
  return idx < end ? idx : null;
}

function isSameRound(a: Round, b: Round): boolean {
  return a.n === b.n && a.pid === b.pid && a.salt === b.salt;
}
