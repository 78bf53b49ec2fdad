/**
 * What a node remembers of its peers, and the marks it has told them: so it notices a peer that comes back with less than it had,
 * or as an older copy of itself. The file also says how far the node's own log has come: so the node notices an older log that was
 * put back alone, with the mark of its end.
 *
 * Invariants:
 *   PEERS-1. A `set`, and the marks that `introduce` returns, are durable before any reader sees them.
 *   PEERS-2. `update` is a hint that may be up to a second old after a loss of power, a tenth of one after a process's
 *       death.
 *   PEERS-3. The file is never made anew: without it the node would trust a peer that comes back empty.
 *   PEERS-4. Its place in the log is never ahead of the durable log; it is up to a second behind, and at a clean stop it is the
 *       log's end.
 */
import { z } from "zod";
import { BALLOT_BOTTOM, ballotsEqual, type Ballot } from "../omnipaxos/index.ts";
import type { CancelTimer, Clock, Disk, DiskCallback, Random } from "../machine/ports/index.ts";
import { LOG_START, type LogPosition } from "./log-end.ts";
import { checked, identityDamaged } from "./sealed-json.ts";
import { SlotFile } from "./slot-file.ts";
import { StorageError } from "./storage-error.ts";
import {
  NOTHING_TOLD,
  ToldMarks,
  toldSchema,
  type MarkRun,
  type ToldContent,
} from "./told-marks.ts";

export interface RememberedPeer {
  /** The id of its data directory. */
  readonly incarnation: string;
  readonly generation: number;
  /** The last mark that it told this node: the process that told it, and the number. 0: none. */
  readonly bootId: number;
  readonly mark: number;
  /** The highest promise that it told this node. */
  readonly promise: Ballot;
  readonly acceptedRound: Ballot;
  readonly acceptedIdx: number;
  readonly decidedIdx: number;
  /** By its last report it waited for its place, and had no vote. */
  readonly waits: boolean;
}

export interface PeerMemory {
  get(peer: number): RememberedPeer | undefined;
  all(): ReadonlyMap<number, RememberedPeer>;
  /** Durable when it returns. Takes no room on the disk. */
  set(peer: number, remembered: RememberedPeer): void;
  /** In memory when it returns. Noted within 100 ms, durable within a second, and at a clean stop. */
  update(peer: number, remembered: RememberedPeer): void;
  /** The marks to tell a peer at the begin of a conversation, this process's last. Durable when it returns. */
  introduce(peer: number): readonly MarkRun[];
  /** A session with it began: the peer has the marks that `introduce` returned, durably. */
  met(peer: number): void;
  /** This node's disk has changed since the last mark: the node must make another one, within a second or so. */
  markSoon(): void;
  /** The last mark that the peer may be told within a session. */
  markFor(peer: number): number;
}

/** A peer of which nothing is known but the id of its data directory. */
export function metPeer(incarnation: string): RememberedPeer {
  return {
    incarnation,
    generation: 0,
    bootId: 0,
    mark: 0,
    promise: BALLOT_BOTTOM,
    acceptedRound: BALLOT_BOTTOM,
    acceptedIdx: 0,
    decidedIdx: 0,
    waits: false,
  };
}

export const PEER_MEMORY_FILE = "memory";
const NOTE_MS = 100;
const KEEP_MS = 1000;
const PAGE_BYTES = 4096;
/** For all, and for each peer: numbers of any size, and an incarnation of 256 characters that JSON escapes. */
const BASE_BYTES = 1024;
const PEER_BYTES = 3072;

const count = z.int().nonnegative();
const ballotSchema = z.strictObject({ configId: count, n: count, priority: count, pid: count });
const memorySchema = z.strictObject({
  /** The incarnation of the directory. */
  owner: z.string(),
  told: toldSchema,
  /** Segment, position and checksum of a batch of the own log that was durable. Left out: of none. */
  log: z.tuple([count, count, count]).optional(),
  peers: z.record(
    z.string().regex(/^\d+$/),
    z.strictObject({
      incarnation: z.string(),
      generation: count,
      bootId: count,
      mark: count,
      promise: ballotSchema,
      acceptedRound: ballotSchema,
      acceptedIdx: count,
      decidedIdx: count,
      /** Written only when it is so. */
      waits: z.boolean().default(false),
    }),
  ),
});
type MemoryContent = z.infer<typeof memorySchema>;

interface MemoryOptions {
  readonly disk: Disk;
  /** The incarnation of the directory. */
  readonly owner: string;
  /** How many nodes the cluster has. */
  readonly members: number;
}

export class DirectoryMemory implements PeerMemory {
  readonly #slots: SlotFile;
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  readonly #owner: string;
  readonly #peers: Map<number, RememberedPeer>;
  readonly #told: ToldMarks;
  #logEnd: LogPosition;
  #closed = false;
  /** Random, so that a copy of the directory that is started too is told from it. */
  readonly bootId: number;
  /** The memory has changed since it was last handed over to be kept. */
  #changed = false;
  /** So did the end of the log. */
  #logMoved = false;
  #markIsDue = false;
  #cancelNote: CancelTimer | null = null;
  #cancelKeep: CancelTimer | null = null;

  /** Makes the file. Durable when it returns. @throws DiskFullError */
  static create(options: MemoryOptions, peers: ReadonlyMap<number, RememberedPeer>): void {
    const content = { owner: options.owner, told: NOTHING_TOLD, logEnd: LOG_START, peers };
    SlotFile.create(options.disk, PEER_MEMORY_FILE, slotBytes(options), encode(content));
  }

  /**
   * Opens it, and makes durable what it finds: a mark that was only noted must not be told.
   * @param onError called when what was updated cannot be made durable
   * @throws StorageError IDENTITY_DAMAGED when it is missing, damaged, or another directory's
   */
  static open(
    options: MemoryOptions,
    random: Random,
    clock: Clock,
    onError: (error: Error) => void,
  ): DirectoryMemory {
    const content = checkPeerMemory(options);
    const slots = SlotFile.open(options.disk, PEER_MEMORY_FILE, slotBytes(options), damaged);
    const memory = new DirectoryMemory(content, random.uint32(), slots, clock, onError);
    slots.keepNow(memory.#encoded());
    return memory;
  }

  private constructor(
    content: MemoryContent,
    bootId: number,
    slots: SlotFile,
    clock: Clock,
    onError: (error: Error) => void,
  ) {
    this.bootId = bootId;
    this.#owner = content.owner;
    this.#slots = slots;
    this.#clock = clock;
    this.#onError = onError;
    this.#peers = new Map(
      Object.entries(content.peers).map(([peer, remembered]) => [Number(peer), remembered]),
    );
    this.#told = new ToldMarks(content.told, bootId);
    this.#logEnd = logEndIn(content);
  }

  /** So far at least the log was durable. */
  get logEnd(): LogPosition {
    return this.#logEnd;
  }

  /** The log is durable up to there: PEERS-4. Costs next to nothing: it is kept with the next write, within a second. */
  logReached(end: LogPosition): void {
    if (this.#closed) return;
    const { segment, position } = this.#logEnd;
    if (end.segment === segment && end.position === position) return;
    this.#logEnd = end;
    this.#logMoved = true;
    this.#keepSoon();
  }

  get(peer: number): RememberedPeer | undefined {
    return this.#peers.get(peer);
  }

  all(): ReadonlyMap<number, RememberedPeer> {
    return this.#peers;
  }

  set(peer: number, remembered: RememberedPeer): void {
    if (!this.#put(peer, remembered) && !this.#changed) return;
    this.#keepNow();
  }

  update(peer: number, remembered: RememberedPeer): void {
    if (this.#put(peer, remembered)) this.#noteAndKeepSoon();
  }

  introduce(peer: number): readonly MarkRun[] {
    if (this.#told.introduce(peer)) this.#keepNow();
    return this.#told.runs(peer);
  }

  met(peer: number): void {
    // This may wait: marks that are no longer needed do no harm, unless they pile up.
    if (this.#told.met(peer)) this.#noteAndKeepSoon();
  }

  markSoon(): void {
    this.#markIsDue = true;
    this.#keepSoon();
  }

  markFor(peer: number): number {
    return this.#told.lastFor(peer);
  }

  /** Makes everything durable that was updated. */
  flush(done: DiskCallback): void {
    const { content, mark } = this.#handOver();
    this.#slots.keep(content, (error) => {
      if (error === null) this.#told.onDurable(mark);
      done(error);
    });
  }

  /** `flush`, and nothing more after it. */
  close(done: DiskCallback): void {
    this.#cancelTimers();
    if (this.#changed || this.#logMoved) this.flush(() => {});
    this.#closed = true;
    this.#slots.close(done);
  }

  /** @returns false when that is what it knew */
  #put(peer: number, remembered: RememberedPeer): boolean {
    const known = this.#peers.get(peer);
    if (known !== undefined && same(known, remembered)) return false;
    this.#peers.set(peer, remembered);
    return true;
  }

  #keepNow(): void {
    this.#cancelTimers();
    const { content, mark } = this.#handOver();
    this.#slots.keepNow(content);
    this.#told.onDurable(mark);
  }

  /** One write for all that changed, the mark that is due included. */
  #handOver(): { readonly content: Uint8Array; readonly mark: number } {
    this.#changed = false;
    this.#logMoved = false;
    if (this.#markIsDue) this.#told.draw();
    this.#markIsDue = false;
    return { content: this.#encoded(), mark: this.#told.last };
  }

  #noteAndKeepSoon(): void {
    this.#changed = true;
    this.#cancelNote ??= this.#clock.after(NOTE_MS, () => {
      this.#cancelNote = null;
      this.#check(this.#slots.note(this.#encoded()));
    });
    this.#keepSoon();
  }

  #keepSoon(): void {
    this.#cancelKeep ??= this.#clock.after(KEEP_MS, () => {
      this.#cancelKeep = null;
      this.flush((error) => this.#check(error));
    });
  }

  #cancelTimers(): void {
    this.#cancelNote?.();
    this.#cancelKeep?.();
    this.#cancelNote = null;
    this.#cancelKeep = null;
  }

  #check(error: Error | null): void {
    if (error === null) return;
    const text =
      `writing ${PEER_MEMORY_FILE} failed (${error.message}); what is on the disk is not known, so the node must stop. ` +
      "Check the disk, then start it again";
    this.#onError(new StorageError("DISK_FAILED", text, { cause: error }));
  }

  #encoded(): Uint8Array {
    return encode({
      owner: this.#owner,
      told: this.#told.content(),
      logEnd: this.#logEnd,
      peers: this.#peers,
    });
  }
}

function encode({
  owner,
  told,
  logEnd: { segment, position, crc },
  peers,
}: {
  readonly owner: string;
  readonly told: ToldContent;
  readonly logEnd: LogPosition;
  readonly peers: ReadonlyMap<number, RememberedPeer>;
}): Uint8Array {
  const log = segment === 0 ? undefined : [segment, position, crc];
  const entries = [...peers].map(([peer, { waits, ...known }]) => [
    peer,
    waits ? { ...known, waits } : known,
  ]);
  return Buffer.from(JSON.stringify({ owner, told, log, peers: Object.fromEntries(entries) }));
}

/** So far at least the log was durable when the content was written. */
export function logEndIn({ log }: MemoryContent): LogPosition {
  if (log === undefined) return LOG_START;
  const [segment, position, crc] = log;
  return { segment, position, crc };
}

/** Changes nothing. @throws StorageError IDENTITY_DAMAGED when it is missing, damaged, or another directory's */
export function checkPeerMemory(options: MemoryOptions): MemoryContent {
  const content = decode(
    SlotFile.read(options.disk, PEER_MEMORY_FILE, slotBytes(options), damaged),
  );
  if (content.owner === options.owner) return content;
  throw damaged("it belongs to another data directory");
}

/**
 * Whether a memory without its identity was in use. A first start makes the memory before the identity, and may have been cut off
 * between the two. A memory that cannot be read counts as unused.
 * @param members how many nodes the cluster has
 */
export function isUsedMemory(disk: Disk, members: number): boolean {
  try {
    const slots = slotBytes({ members });
    const content = decode(SlotFile.read(disk, PEER_MEMORY_FILE, slots, damaged));
    return content.log !== undefined || Object.keys(content.peers).length > 0;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}

function damaged(what: string): StorageError {
  return identityDamaged(PEER_MEMORY_FILE, what);
}

function decode(bytes: Uint8Array): MemoryContent {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw identityDamaged(PEER_MEMORY_FILE, "it is not what this program writes", cause);
  }
  return checked(PEER_MEMORY_FILE, memorySchema, value);
}

/** A whole number of pages, so that a torn write damages one slot and no other. */
function slotBytes({ members }: Pick<MemoryOptions, "members">): number {
  return Math.ceil((BASE_BYTES + members * PEER_BYTES) / PAGE_BYTES) * PAGE_BYTES;
}

function same(a: RememberedPeer, b: RememberedPeer): boolean {
  return (
    a.incarnation === b.incarnation &&
    a.generation === b.generation &&
    a.bootId === b.bootId &&
    a.mark === b.mark &&
    a.acceptedIdx === b.acceptedIdx &&
    a.decidedIdx === b.decidedIdx &&
    a.waits === b.waits &&
    ballotsEqual(a.promise, b.promise) &&
    ballotsEqual(a.acceptedRound, b.acceptedRound)
  );
}
