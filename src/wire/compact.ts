/**
 * The messages that travel with every batch and every read, written field by field: through msgpack they were most of
 * what a node did for a single request. All others, and very large ones, stay with msgpack.
 *
 *     message: 0xc1, which begins no msgpack value (1) · code (1) · fields in the order of their declaration
 *     field:   varint; a request's name is two of them, boot and id, before all else; a ballot is four of them; entries are their number, then length and bytes of each
 *
 * Invariant: whatever the bytes, decoding ends in a message or a DecodeError, in time and memory linear in their number.
 */
import { BALLOT_N_MAX, ENTRY_BYTES_MAX } from "../base/limits.ts";
import { ByteReader, ByteWriter } from "../kv/index.ts";
import type { Ballot } from "../omnipaxos/index.ts";
import { DecodeError } from "./decode-error.ts";
import type { PeerMessage } from "./peer-message.ts";

export const COMPACT_MARK = 0xc1;
/** Beyond it the copy that is saved by msgpack, which writes into the message's own buffer, counts for more. */
const COMPACT_BYTES_MAX = 64 * 1024;

/** Part of the format: numbers are never given a second meaning. */
const CODE = {
  heartbeatRequest: 1,
  heartbeatReply: 2,
  acceptDecide: 7,
  accepted: 8,
  decide: 9,
  proposalForward: 12,
  // 64 to 67 were these four while they did not name the process that asks.
  readRequest: 68,
  readProbe: 69,
  readAck: 70,
  readIndex: 71,
} as const;

// Encoding and decoding are synchronous and never re-entered, so one of each serves all links.
const out = new ByteWriter(4096);
const reader = new ByteReader();

/** @returns null when the message is none of those above, or too large */
export function encodeCompact(message: PeerMessage): Uint8Array | null {
  switch (message.type) {
    case "heartbeatRequest":
      begin(CODE.heartbeatRequest);
      out.varint(message.round);
      out.varint(message.incarnation);
      break;
    case "heartbeatReply":
      begin(CODE.heartbeatReply);
      out.varint(message.round);
      out.varint(message.incarnation);
      ballotOut(message.ballot);
      ballotOut(message.leader);
      out.u8(message.happy ? 1 : 0);
      break;
    case "acceptDecide":
    case "decide":
      begin(CODE[message.type]);
      ballotOut(message.n);
      out.varint(message.seq.session);
      out.varint(message.seq.counter);
      out.varint(message.decidedIdx);
      if (message.type === "acceptDecide" && !entriesOut(message.entries)) return null;
      break;
    case "accepted":
      begin(CODE.accepted);
      ballotOut(message.n);
      out.varint(message.acceptedIdx);
      out.varint(message.decidedIdx);
      break;
    case "proposalForward":
      begin(CODE.proposalForward);
      if (!entriesOut(message.entries)) return null;
      break;
    case "readRequest":
    case "readProbe":
    case "readAck":
      begin(CODE[message.type]);
      out.varint(message.boot);
      out.varint(message.id);
      ballotOut(message.n);
      break;
    case "readIndex":
      begin(CODE.readIndex);
      out.varint(message.boot);
      out.varint(message.id);
      out.varint(message.idx);
      break;
    default:
      return null;
  }
  // Small buffers share a pool.
  return Buffer.from(out.peek());
}

/**
 * Byte strings of the result are views of `bytes`, which begin with COMPACT_MARK.
 * @throws DecodeError
 */
export function decodeCompact(bytes: Uint8Array): PeerMessage {
  reader.reset(bytes, 1);
  const message = read(reader.u8());
  if (!reader.isAtEnd) reader.fail("the end of the message");
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) throw new DecodeError(`message: ${problem}`);
  return message;
}

function read(code: number): PeerMessage {
  switch (code) {
    case CODE.heartbeatRequest:
      return { type: "heartbeatRequest", round: reader.varint(), incarnation: reader.varint() };
    case CODE.heartbeatReply:
      return {
        type: "heartbeatReply",
        round: reader.varint(),
        incarnation: reader.varint(),
        ballot: ballotIn(),
        leader: ballotIn(),
        happy: booleanIn(),
      };
    case CODE.acceptDecide:
      return {
        type: "acceptDecide",
        n: ballotIn(),
        seq: { session: reader.varint(), counter: reader.varint() },
        decidedIdx: reader.varint(),
        entries: entriesIn(),
      };
    case CODE.decide:
      return {
        type: "decide",
        n: ballotIn(),
        seq: { session: reader.varint(), counter: reader.varint() },
        decidedIdx: reader.varint(),
      };
    case CODE.accepted:
      return {
        type: "accepted",
        n: ballotIn(),
        acceptedIdx: reader.varint(),
        decidedIdx: reader.varint(),
      };
    case CODE.proposalForward:
      return { type: "proposalForward", entries: entriesIn() };
    case CODE.readRequest:
      return { type: "readRequest", boot: reader.varint(), id: reader.varint(), n: ballotIn() };
    case CODE.readProbe:
      return { type: "readProbe", boot: reader.varint(), id: reader.varint(), n: ballotIn() };
    case CODE.readAck:
      return { type: "readAck", boot: reader.varint(), id: reader.varint(), n: ballotIn() };
    case CODE.readIndex:
      return {
        type: "readIndex",
        boot: reader.varint(),
        id: reader.varint(),
        idx: reader.varint(),
      };
    default:
      reader.release();
      throw new DecodeError(`unknown compact message ${code}`);
  }
}

function begin(code: number): void {
  out.clear();
  out.u8(COMPACT_MARK);
  out.u8(code);
}

function ballotOut(ballot: Ballot): void {
  out.varint(ballot.configId);
  out.varint(ballot.n);
  out.varint(ballot.priority);
  out.varint(ballot.pid);
}

function ballotIn(): Ballot {
  return {
    configId: reader.varint(),
    n: ballotNumberIn(),
    priority: reader.varint(),
    pid: reader.varint(),
  };
}

function ballotNumberIn(): number {
  const n = reader.varint();
  if (n > BALLOT_N_MAX) reader.fail(`a ballot number of at most ${BALLOT_N_MAX}`);
  return n;
}

function booleanIn(): boolean {
  const value = reader.u8();
  if (value > 1) reader.fail("0 or 1");
  return value === 1;
}

/** @returns false when they are too large for this */
function entriesOut(entries: readonly Uint8Array[]): boolean {
  let bytes = 0;
  for (const entry of entries) bytes += entry.length;
  if (bytes > COMPACT_BYTES_MAX) return false;
  out.varint(entries.length);
  for (const entry of entries) out.sized(entry);
  return true;
}

function entriesIn(): Uint8Array[] {
  const count = reader.varint();
  const entries: Uint8Array[] = [];
  for (let i = 0; i < count && !reader.failed; i++) {
    const length = reader.varint();
    if (length > ENTRY_BYTES_MAX) reader.fail(`an entry of at most ${ENTRY_BYTES_MAX} bytes`);
    entries.push(reader.bytes(length));
  }
  return entries;
}
