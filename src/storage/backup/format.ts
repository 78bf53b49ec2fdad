/**
 * A backup as a file: one consistent state of a cluster, with a header that names the cluster, in a form in which a reader always
 * notices a cut or damaged file. docs/backup.md shows the same.
 *
 *     backup  := "omnikv backup 1\n" · record(H) · record(P)* · record(E)
 *     record  := u8 kind · u32 length · payload · u32 crc
 *     H       := JSON of BackupHeader
 *     P       := the next bytes of the state, as a snapshot (store/frozen-state)
 *     E       := u32 number of P · u64 their bytes · sha256 (32) of the file before this record
 *
 * Integers are big-endian.
 *
 * Invariants:
 *   BACKUP-1. The crc (CRC-32C) of a record runs on from that of the record before, so none can be lost, repeated or moved.
 *   BACKUP-2. A file without its E, or with anything behind it, is no backup.
 */
import { createHash } from "node:crypto";
import { crc32c } from "@node-rs/crc32";
import { z } from "zod";
import { CLUSTER_ID, CLUSTER_ID_TEXT } from "../../base/index.ts";

const MAGIC = Buffer.from("omnikv backup 1\n", "latin1");
/** A file of a later version: the error says so, and does not call it damaged. */
const MAGIC_STEM = Buffer.from("omnikv backup ", "latin1");
const HEAD_BYTES = 5;
const CRC_BYTES = 4;
const END_BYTES = 4 + 8 + 32;
const HEADER_BYTES_MAX = 16 * 1024;
/** The header, and where the first piece begins: within so many bytes of the file. */
export const FIRST_PIECE_AT_MAX =
  MAGIC.length + HEAD_BYTES + HEADER_BYTES_MAX + CRC_BYTES + HEAD_BYTES;
/** Pieces are much smaller; a damaged length must not make a reader wait for gigabytes. */
const BACKUP_PIECE_BYTES_MAX = 1024 * 1024;

const KIND = { header: 0x48, piece: 0x50, end: 0x45 } as const;

// A reader skips fields that a later version adds.
const headerSchema = z.object({
  clusterId: z.string().max(64),
  /** Which node it was taken from. */
  nodeId: z.int().min(1),
  /** It holds what the log entries [0, appliedIdx) did. */
  appliedIdx: z.int().min(0),
  revision: z.int().min(0),
  keys: z.int().min(0),
  /** As `status` shows it. */
  stateHash: z.string().regex(/^[0-9a-f]{16}$/),
  /** When the command was given, by the clock of its machine: ISO 8601. */
  takenAt: z.iso.datetime(),
  /** The version of the node that made the backup. */
  version: z.string().max(64),
  /** Of what one disk had, as `ballotText` has it: in which round its log was accepted. Left out: the cluster itself was asked. */
  acceptedRound: z
    .string()
    .regex(/^\d{1,16}\.\d{1,16}\.\d{1,16}$/)
    .optional(),
});

export type BackupHeader = z.infer<typeof headerSchema>;

/** This is no backup, or a cut or damaged one: the text says where. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** Makes the bytes of a backup: first `begin`, then `piece` for each piece, then `end`. */
export class BackupWriter {
  readonly #hash = createHash("sha256");
  #crc = 0;
  #pieces = 0;
  #bytes = 0;

  /** @throws BackupError when the cluster's id, which a node has said, is none: files are named after it */
  begin(header: BackupHeader): Uint8Array {
    if (!CLUSTER_ID.test(header.clusterId)) {
      throw new BackupError(`the cluster's id is none: expected ${CLUSTER_ID_TEXT}`);
    }
    const payload = Buffer.from(JSON.stringify(header), "utf8");
    return this.#taken(Buffer.concat([MAGIC, this.#record(KIND.header, payload)]));
  }

  piece(bytes: Uint8Array): Uint8Array {
    this.#pieces += 1;
    this.#bytes += bytes.length;
    return this.#taken(this.#record(KIND.piece, bytes));
  }

  end(): Uint8Array {
    const payload = Buffer.alloc(END_BYTES);
    payload.writeUInt32BE(this.#pieces, 0);
    payload.writeBigUInt64BE(BigInt(this.#bytes), 4);
    payload.set(this.#hash.digest(), 12);
    return this.#record(KIND.end, payload);
  }

  #record(kind: number, payload: Uint8Array): Buffer {
    const record = Buffer.alloc(HEAD_BYTES + payload.length + CRC_BYTES);
    record[0] = kind;
    record.writeUInt32BE(payload.length, 1);
    record.set(payload, HEAD_BYTES);
    const crcAt = HEAD_BYTES + payload.length;
    this.#crc = crc32c(record.subarray(0, crcAt), this.#crc);
    record.writeUInt32BE(this.#crc, crcAt);
    return record;
  }

  #taken(bytes: Buffer): Uint8Array {
    this.#hash.update(bytes);
    return bytes;
  }
}

export type BackupRecord =
  | { readonly kind: "header"; readonly header: BackupHeader }
  /** @param at where in the file it begins. `bytes` are the reader's until its next call. */
  | { readonly kind: "piece"; readonly bytes: Uint8Array; readonly at: number };

/** Takes a backup apart, however its bytes are cut. Holds one record at most. */
export class BackupReader {
  readonly #hash = createHash("sha256");
  #pending: Buffer = Buffer.alloc(0);
  /** Where in the file the first pending byte stands. */
  #at = 0;
  #part: "magic" | "header" | "pieces" | "ended" = "magic";
  #crc = 0;
  #pieces = 0;
  #bytes = 0;

  /**
   * @returns the records that these bytes complete
   * @throws BackupError
   */
  *push(bytes: Uint8Array): Generator<BackupRecord, void, undefined> {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    for (;;) {
      if (this.#part === "magic") {
        if (!this.#readMagic()) return;
        continue;
      }
      if (this.#part === "ended" && this.#pending.length > 0) {
        throw this.#damaged("there is something behind its end");
      }
      const record = this.#readRecord();
      if (record === null) return;
      if (record !== "end") yield record;
    }
  }

  /** The file ends here. @throws BackupError when the backup does not */
  finish(): { readonly pieces: number; readonly bytes: number } {
    if (this.#part === "ended") return { pieces: this.#pieces, bytes: this.#bytes };
    const end = this.#at + this.#pending.length;
    if (end === 0) throw new BackupError("it is empty");
    const where =
      this.#part === "magic" ? "in its first line" : `in the record at byte ${this.#at}`;
    throw new BackupError(
      `it ends at byte ${end}, ${where}: it is cut short, or the length of that record is damaged`,
    );
  }

  #readMagic(): boolean {
    const found = this.#pending.subarray(0, MAGIC.length);
    if (!MAGIC.subarray(0, found.length).equals(found)) {
      const isOurs = MAGIC_STEM.equals(found.subarray(0, MAGIC_STEM.length));
      throw new BackupError(
        isOurs
          ? "its first line is damaged, or it is of a later version of omnikv"
          : "this is no backup of omnikv: its first line is another one",
      );
    }
    if (found.length < MAGIC.length) return false;
    this.#take(MAGIC.length, true);
    this.#part = "header";
    return true;
  }

  /** @returns null when it is not complete */
  #readRecord(): BackupRecord | "end" | null {
    const pending = this.#pending;
    const kind = pending[0];
    if (kind === undefined) return null;
    const expected = this.#part === "header" ? kind === KIND.header : isLater(kind);
    if (!expected) throw this.#damaged("no such record can stand there");
    if (pending.length < HEAD_BYTES) return null;
    const length = pending.readUInt32BE(1);
    if (length > lengthMax(kind)) throw this.#damaged(`a record of ${length} bytes is impossible`);
    const crcAt = HEAD_BYTES + length;
    if (pending.length < crcAt + CRC_BYTES) return null;
    const crc = crc32c(pending.subarray(0, crcAt), this.#crc);
    if (crc !== pending.readUInt32BE(crcAt)) throw this.#damaged("the checksum is wrong");
    const payload = pending.subarray(HEAD_BYTES, crcAt);
    const record = this.#understand(kind, payload);
    this.#crc = crc;
    this.#take(crcAt + CRC_BYTES, kind !== KIND.end);
    return record;
  }

  #understand(kind: number, payload: Buffer): BackupRecord | "end" {
    if (kind === KIND.header) {
      const header = parseHeader(payload);
      if (header === null) throw this.#damaged("this version of omnikv cannot read the header");
      this.#part = "pieces";
      return { kind: "header", header };
    }
    if (kind === KIND.piece) {
      this.#pieces += 1;
      this.#bytes += payload.length;
      return { kind: "piece", bytes: payload, at: this.#at };
    }
    const isWhole =
      payload.length === END_BYTES &&
      payload.readUInt32BE(0) === this.#pieces &&
      payload.readBigUInt64BE(4) === BigInt(this.#bytes) &&
      this.#hash.digest().equals(payload.subarray(12));
    if (!isWhole) throw this.#damaged("what its end says of it is not so");
    this.#part = "ended";
    return "end";
  }

  #take(bytes: number, hashed: boolean): void {
    if (hashed) this.#hash.update(this.#pending.subarray(0, bytes));
    this.#pending = this.#pending.subarray(bytes);
    this.#at += bytes;
  }

  #damaged(what: string): BackupError {
    return new BackupError(`damaged in the record at byte ${this.#at}: ${what}`);
  }
}

/** What is there of the first piece, not checked. @param start of a file whose header is whole */
export function firstPieceIn(start: Uint8Array): Uint8Array {
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const at = MAGIC.length + HEAD_BYTES + view.getUint32(MAGIC.length + 1) + CRC_BYTES;
  if (at + HEAD_BYTES > start.length || start[at] !== KIND.piece) return new Uint8Array(0);
  return start.subarray(at + HEAD_BYTES, at + HEAD_BYTES + view.getUint32(at + 1));
}

function isLater(kind: number): boolean {
  return kind === KIND.piece || kind === KIND.end;
}

function lengthMax(kind: number): number {
  if (kind === KIND.header) return HEADER_BYTES_MAX;
  return kind === KIND.end ? END_BYTES : BACKUP_PIECE_BYTES_MAX;
}

function parseHeader(payload: Buffer): BackupHeader | null {
  try {
    return headerSchema.safeParse(JSON.parse(payload.toString("utf8"))).data ?? null;
  } catch {
    return null;
  }
}
