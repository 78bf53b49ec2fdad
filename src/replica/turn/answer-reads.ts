/**
 * Answers clients' reads from a state. This file looks keys up and checks rights; the writer of answers only encodes.
 *
 * Invariant: a user who may not read something learns that, and nothing of what is there.
 */
import type { ErrorCode } from "../../base/index.ts";
import {
  type AnswerWriter,
  asksForOrigin,
  asksLocally,
  forEachRead,
  forEachReadNumber,
  type ReadsPlace,
  type ReadVisitor,
  takeReads,
  type Wanted,
} from "../../protocol/client/index.ts";
import type {
  ByteString,
  HistoryPage,
  HistoryRequest,
  KeysRequest,
  LeaseRequest,
  LeasesPage,
  LeasesRequest,
  RangePage,
  RangeRequest,
  Rights,
  StoredValue,
  Where,
} from "../../store/index.ts";

export interface ReadableState {
  /** The rights of the user who asks, as of this state. Null, or left out: everything may be read. */
  readonly rights?: Rights | null;
  /** Why something may not be read. */
  deniedText?(rights: Rights): string;
  /** NO_ORIGIN: none yet. */
  readonly origin: number;
  /** Counts the changes of keys that led to it. */
  readonly revision: number;
  /** The oldest revision that can be read. */
  readonly oldest: number;
  /** Cells and versions of keys looked at so far: only grows, with all but `read`. */
  readonly looked: number;
  read(key: ByteString): StoredValue | undefined;
  /** From here on the caller asks only for revisions that exist and can be read. */
  readAt(key: ByteString, revision: number): StoredValue | undefined;
  page(request: RangeRequest, revision: number): RangePage;
  history(request: HistoryRequest, revision: number): HistoryPage;
  /** Left out: there are no leases. */
  lease?(request: LeaseRequest): LeasesPage;
  leases?(request: LeasesRequest): LeasesPage;
}

/** To look at a key of a range, or at a version of it, is as much work as to write so many bytes. */
const CELL_WORK_BYTES = 96;
/** To take a version out of the history and write it, beside having looked at it. */
const VERSION_WORK_BYTES = 256;
/** To begin with a range or a version, or to refuse it, likewise. */
const READ_WORK_BYTES = 256;
const NO_LEASES: LeasesPage = { leases: [], keys: [], more: false };

/**
 * Answers a (checked) frame of reads: one at least, and then as long as `goesOn` says so.
 * @param from only those from there on
 * @returns how many, and where the others begin; null: there are none
 */
export function answerReads(
  answers: AnswerWriter,
  frame: Uint8Array,
  state: ReadableState,
  goesOn: () => boolean = () => true,
  from?: ReadsPlace,
): { readonly count: number; readonly rest: ReadsPlace | null } {
  let count = 0;
  const rights = state.rights ?? null;
  const isLocal = asksLocally(frame);
  const take: ReadVisitor<boolean> = (request, wanted, kind) => {
    if (count > 0 && !goesOn()) return false;
    if (count === 0 && asksForOrigin(frame)) answers.origin(state.origin);
    count += 1;
    answers.worked(keyBytesOf(wanted));
    if (rights !== null && !mayReadAll(rights, wanted)) denied(answers, request, rights, state);
    else if (typeof wanted === "string") answers.stored(request, state.read(wanted));
    else answerOf(answers, request, wanted, kind, isLocal, state);
    return true;
  };
  const rest = takeReads(frame, take, from);
  return { count, rest };
}

/**
 * The same refusal for all reads of a (checked) frame.
 * @param state the state of which the refusal tells something, if it does: a user who may not read there is told that instead
 * @param from only those from there on
 */
export function refuseReads(
  answers: AnswerWriter,
  frame: Uint8Array,
  code: ErrorCode,
  text: string,
  state?: ReadableState,
  from?: ReadsPlace,
): void {
  const rights = state?.rights ?? null;
  // To read keys takes far longer than to pass over them.
  if (state === undefined || rights === null) {
    return forEachReadNumber(frame, (request) => answers.unread(request, code, text), from);
  }
  const refuse: ReadVisitor<void> = (request, wanted) => {
    if (mayReadAll(rights, wanted)) answers.unread(request, code, text);
    else denied(answers, request, rights, state);
  };
  forEachRead(frame, refuse, from);
}

/** To make the keys, to look for them and to judge the rights to them takes longer the longer they are, found or not. */
function keyBytesOf(wanted: Wanted): number {
  if (typeof wanted === "string") return wanted.length;
  if ("keys" in wanted) return wanted.keys.reduce((sum, key) => sum + key.length, 0);
  if ("key" in wanted) return wanted.key.length;
  if ("history" in wanted) return wanted.history.length;
  if ("end" in wanted) return wanted.start.length + (wanted.end?.length ?? 0);
  return 0;
}

/** Answers a read that names a revision, or looks at more than one key. */
function answerOf(
  answers: AnswerWriter,
  request: number,
  wanted: Exclude<Wanted, ByteString>,
  kind: number,
  isLocal: boolean,
  state: ReadableState,
): void {
  answers.worked(READ_WORK_BYTES);
  const revision = wanted.revision === 0 ? state.revision : wanted.revision;
  if (revision < state.oldest) return answers.compacted(request, kind, state.oldest);
  if (revision > state.revision) {
    return answers.ahead(request, kind, revision, isLocal, state.revision);
  }
  const before = state.looked;
  if ("key" in wanted) answers.stored(request, state.readAt(wanted.key, wanted.revision));
  else if ("keys" in wanted) answerKeys(answers, request, wanted, revision, state);
  else if ("lease" in wanted) answerLeases(answers, request, state.lease?.(wanted), state);
  else if ("leasesAfter" in wanted) answerLeases(answers, request, state.leases?.(wanted), state);
  else if ("history" in wanted) {
    const page = state.history(wanted, revision);
    answers.worked(VERSION_WORK_BYTES * page.versions.length);
    answers.versions(request, page);
  } else answers.page(request, state.page(wanted, revision), wanted.keysOnly);
  answers.worked(CELL_WORK_BYTES * (state.looked - before));
}

/**
 * A key that is named again is looked up only once, as each look may pass as many versions as the state has in all, and told only once:
 * a few bytes must not ask for as many megabytes.
 */
function answerKeys(
  answers: AnswerWriter,
  request: number,
  wanted: KeysRequest,
  revision: number,
  state: ReadableState,
): void {
  answers.worked(CELL_WORK_BYTES * wanted.keys.length);
  const known = new Map<ByteString, StoredValue | undefined>();
  for (const key of wanted.keys) {
    if (known.has(key)) continue;
    known.set(key, wanted.revision === 0 ? state.read(key) : state.readAt(key, revision));
  }
  const keys = Array.from(known).flatMap(([key, stored]) =>
    stored === undefined ? [] : [{ ...valueOf(stored), key }],
  );
  answers.page(request, { revision, count: keys.length, keys, resume: null }, false);
}

/** The answer's keys are known only once looked up: a user who may not read all of them is told of none. */
function answerLeases(
  answers: AnswerWriter,
  request: number,
  page: LeasesPage = NO_LEASES,
  state: ReadableState,
): void {
  const rights = state.rights ?? null;
  const isTold = rights === null || page.keys.every((key) => rights.mayRead({ key }));
  if (isTold) answers.leases(request, page);
  else denied(answers, request, rights, state);
}

function denied(
  answers: AnswerWriter,
  request: number,
  rights: Rights,
  state: ReadableState,
): void {
  const code: ErrorCode = rights.isKnown ? "FORBIDDEN" : "UNAUTHENTICATED";
  answers.unread(request, code, state.deniedText?.(rights) ?? "");
}

/** A copy of the fields that clients see: a cell of the state has more. */
function valueOf({ value, createRevision, modRevision, version }: StoredValue): StoredValue {
  return { value, createRevision, modRevision, version };
}

/** The keys and ranges that are asked for. Null: leases. */
export function placesOf(wanted: Wanted): readonly Where[] | null {
  if (typeof wanted === "string") return [{ key: wanted }];
  if ("keys" in wanted) return wanted.keys.map((key) => ({ key }));
  if ("key" in wanted) return [{ key: wanted.key }];
  if ("history" in wanted) return [{ key: wanted.history }];
  return "end" in wanted ? [{ start: wanted.start, end: wanted.end }] : null;
}

/** The user needs the right to all of the range, not only to keys that are there: an omission would tell something too. */
export function mayReadAll(rights: Rights, wanted: Wanted): boolean {
  // Most reads are of one key, for which no list is made.
  if (typeof wanted === "string") return rights.mayRead({ key: wanted });
  const places = placesOf(wanted);
  if (places !== null) return places.every((place) => rights.mayRead(place));
  // A user who knows the id of a lease could bind keys to it, and so keep its holder from revoking it.
  if ("leasesAfter" in wanted) return rights.isRoot;
  // Every user of the cluster may ask about one lease; `answerLeases` checks the rights to its keys.
  return rights.isKnown;
}
