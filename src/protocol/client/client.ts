/**
 * The client protocol, after the handshake. Each kind of request and answer has one layout, by which it is written and read:
 * `read-kinds.ts`, `answer-records.ts`, `watch-requests.ts`, `watch-feed.ts`. For the parts that come with every single request the
 * code allocates nothing but what the caller keeps.
 *
 *     client -> server
 *       writes    u8 1 · group (as in store/command)
 *       reads     u8 2 · u8 flags (1: local, 2: tell the origin, 4: from a revision on) · varint minIdx
 *                   · [varint least revision, of a local one] · varint count · read{count}
 *         key       varint request · u8 1 · key
 *         range     varint request · u8 2 · u8 flags (1: reverse, 2: keys only, 4: count only, 8: has an end)
 *                   · varint revision (0: newest) · varint limit · start · [end]
 *         keys      varint request · u8 3 · varint count · key{count}: answered with one page, of those that there are, each once
 *         key at    varint request · u8 4 · varint revision · key
 *         keys at   varint request · u8 5 · varint revision · varint count · key{count}
 *         range at  varint request · u8 6 · as a range from its flags on
 *         history   varint request · u8 7 · varint revision (0: newest) · varint limit · key: the versions of a key, newest first
 *         selection varint request · u8 8 · u8 flags (as of a range) · u8 order (0 key, 1 create, 2 mod, 3 version, 4 value)
 *                   · varint least create revision · varint greatest (0: none) · varint least mod revision · varint greatest
 *                   · as a range from its revision on
 *         lease     varint request · u8 16 · varint id · u8 (1: its keys too) · start, the first key wanted
 *         leases    varint request · u8 17 · varint id: those with a greater one
 *     server -> client
 *       answers   u8 3 · 8 bytes applied index · record*
 *         u8 1 session    varint session: the write answers that follow are of it
 *         u8 2 ok         varint sequence · varint revision
 *         u8 3 other      varint sequence · u8 status · varint revision · u8 has value · [value]
 *         u8 4 opened     varint sequence · nonce (16) · varint session
 *         u8 5 refused    u8 error · text · varint runs · (varint first sequence · varint count){runs}
 *         u8 6 value      varint request · value · varint create revision · varint mod revision · varint version
 *         u8 7 missing    varint request
 *         u8 8 unread     u8 error · text · varint request
 *         u8 9 origin     varint origin: what follows is of the log that began so
 *         u8 10 page      varint request · u8 flags (1: there is more, 2: keys only) · varint revision · varint count
 *                         · [where the next page begins] · varint items · (key · [value] · varint create revision
 *                         · varint mod revision · varint version){items}
 *         u8 11 versions  varint request · varint (0: no more, else 1 + where to go on) · varint items · (varint version
 *                         · varint mod revision · [varint create revision · value]){items}: without the last two a deletion
 *         u8 12 compacted varint request · varint oldest revision
 *         u8 13 txn       varint sequence · u8 flags (1: then, 2: results are told) · varint revision
 *                         · [varint length · results, as in store/txn-results]: only to who has sent a transaction
 *         u8 16 leases    varint request · u8 (1: there is more) · varint leases · (varint id · varint ttl · varint remaining
 *                         · varint keys of it){leases} · varint keys · key{keys}: of the one lease, when they were asked for
 *     key, value, text, start, end := varint length · bytes
 *
 * Frames 4 and 5 are of watches: see watch-layout.
 *
 * For a revision that is not kept any more a node answers `compacted` to reads of the kinds from 4 on, and `unread` to others:
 * their programs may not know `compacted`.
 *
 * For a revision that does not exist yet a node answers REVISION_AHEAD to reads of those kinds, or with a least revision, and
 * NO_QUORUM to others.
 *
 * To keys that together with their values do not fit one frame a node answers VALUE_TOO_LARGE, which it says of no other read. The client asks
 * for fewer of them, and for the others at the revision of these.
 *
 * The origin names the log that a state comes from. A node tells its own in its hello; one that has none yet (0 there) is asked
 * with the flag, and in a request to open a session by the number OPEN_WITH_ORIGIN. Version 0.1 has neither, says nothing in
 * its hello and is never asked; its clients do not ask and are never told, so both understand this program.
 *
 * The applied index of a frame covers all its answers: a client that takes the greatest one it has seen along to another
 * node (minIdx) never reads there a state older than its earlier answers.
 */
export type { PageItem } from "./page-items.ts";
export { decodeAnswers, type AnswerHandler } from "./answer-reader.ts";
export type { LeasesAnswer, PageAnswer, VersionsAnswer } from "./answer-records.ts";
export { aheadText, AnswerWriter } from "./answer-writer.ts";
export { OPEN_WITH_ORIGIN } from "./client-layout.ts";
export {
  decodeClientFrame,
  cutReads,
  forEachRead,
  forEachReadNumber,
  type ReadsPieces,
  takeReads,
  takeWritesFrame,
  uncheckedGroup,
  writesFrame,
  type ClientFrame,
  type ReadsPlace,
  type ReadVisitor,
} from "./client-requests.ts";
export type { RangeBytes, Wanted } from "./read-kinds.ts";
export { asksForOrigin, asksLocally } from "./reads-header.ts";
export { ReadsWriter } from "./reads-writer.ts";
export {
  decodeFeed,
  eventBytes,
  FeedWriter,
  isFeedFrame,
  type FeedHandler,
  type ToldVersion,
  type WatchEvent,
} from "./watch-feed.ts";
export { ALL_WATCHES } from "./watch-layout.ts";
export { watchesFrame, type WatchRequest, type WatchWish } from "./watch-requests.ts";
