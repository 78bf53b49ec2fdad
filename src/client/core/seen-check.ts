/**
 * Whether a node's log has what this client has seen: asked over each new connection for watches, before the client asks for them. A
 * watch goes on with the revisions after its last one, so from a log that went back it would tell another history from the middle.
 *
 * The check is a local read of a key that the client may read anyway, which any version understands. No state below the greatest index
 * seen may answer it; a node whose cluster has less says so (WRONG_CLUSTER). A wrong log may have grown beyond that index since. Then the
 * newest event that was told here decides: if the log still has its revision, it has the same event there, or it is another log.
 *
 * Invariants:
 *   SEENCHECK-1. The client takes no watch events from a connection before it has passed, nor from a state below the index that was
 *       checked.
 *   SEENCHECK-2. The client leaves a node that is only behind for another one (NO_QUORUM); it may be right later. A missing entry counts
 *       against a node only when the node has applied all that this client had seen.
 *   SEENCHECK-3. A refusal that says nothing of the log is no answer, from whichever state it comes: a node that came level in the moment
 *       when it gave up the read has not compared anything.
 */
import { type ErrorCode, ERRORS, KvError, sameBytes } from "../../base/index.ts";
import {
  decodeAnswers,
  ReadsWriter,
  type ToldVersion,
  type WatchEvent,
} from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import type { KnownCluster } from "./known-cluster.ts";
import type { NodeLink } from "./node-link.ts";

/** Larger values are not asked for again. */
const TOLD_BYTES_MAX = 64 * 1024;
/** A connection has one read in its life. */
const REQUEST = 1;

export interface Bounds {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
}

/** A version of a key, or that there was none. */
type Stored = ToldVersion<Uint8Array> | null;

/** What a frame of answers says. */
interface Heard {
  idx: number;
  /** Null: it is not told. */
  origin: number | null;
  /** What the key was at the revision. Undefined: it is not told. */
  stored: Stored | undefined;
  refusal: { readonly code: ErrorCode; readonly text: string } | null;
}

export class SeenCheck {
  readonly #cluster: KnownCluster;
  readonly #writer = new ReadsWriter();
  #state: "wanted" | "asked" | "passed" = "passed";
  /** The index that the node at hand must have. */
  #idx = 0;
  /** The newest event that came, whichever node told it: a view of its frame. */
  #told: WatchEvent | null = null;
  #toldRevision = 0;

  constructor(cluster: KnownCluster) {
    this.#cluster = cluster;
  }

  /** Watches may be asked for. */
  get hasPassed(): boolean {
    return this.#state === "passed";
  }

  get isUnderWay(): boolean {
    return this.#state === "asked";
  }

  /** A connection has begun. */
  begin(): void {
    this.#idx = 0;
    this.#state = this.#cluster.seenIdx === 0 ? "passed" : "wanted";
  }

  /** Events have come, of which this one is the last. */
  told(revision: number, event: WatchEvent): void {
    if (revision < this.#toldRevision) return;
    if ((event.put?.value.length ?? 0) > TOLD_BYTES_MAX) return;
    this.#told = event;
    this.#toldRevision = revision;
  }

  /** @param bounds of a watch that is to be asked for */
  ask(link: NodeLink, { start, end }: Bounds): void {
    if (this.#state !== "wanted") return;
    this.#state = "asked";
    this.#idx = this.#cluster.seenIdx;
    const writer = this.#writer;
    if (this.#told !== null) writer.read(REQUEST, this.#told.key, this.#toldRevision);
    else {
      const only = { reverse: false, keysOnly: true, countOnly: false, revision: 0, limit: 1 };
      writer.range(REQUEST, { start, end, ...only });
    }
    link.send(writer.take(true, this.#idx, link.asksForOrigin));
  }

  /**
   * @param frame of answers
   * @returns why the client must leave the node; null: it need not
   * @throws DecodeError when it is none; KvError WRONG_CLUSTER when it is of another log
   */
  answered(link: NodeLink, frame: Uint8Array): KvError | null {
    const { idx, origin, stored, refusal } = heardIn(frame);
    if (origin !== null) {
      this.#cluster.check(origin, link.name);
      link.originTold();
    }
    if (refusal?.code === "WRONG_CLUSTER") return this.#cluster.refused(link);
    const isAhead = idx >= this.#idx && refusal?.code === "REVISION_AHEAD";
    if (idx < this.#idx || (refusal !== null && !isAhead && isOfNow(refusal.code))) {
      const text = refusal === null || refusal.text === "" ? BEHIND_TEXT : refusal.text;
      const code = refusal?.code ?? "NO_QUORUM";
      // The next connection signs in anew; whether that is refused shows then.
      return new KvError(
        code === "UNAUTHENTICATED" ? "CONNECTION_LOST" : code,
        `${link.name}: ${text}`,
      );
    }
    const contradiction = this.#contradiction(stored, isAhead);
    if (contradiction !== null) {
      const text = `${contradiction} revision ${this.#toldRevision}, of which this client was told`;
      return this.#cluster.lacksSeen(text, link);
    }
    // With any other refusal (the user may not read the key, or it is compacted) the node has still said from which state.
    this.#state = "passed";
    return null;
  }

  /** Events come from a state like this. @throws KvError NO_QUORUM (SEENCHECK-1) */
  checkState(idx: number, link: NodeLink): void {
    // A neighbour has answered for a node that is cut off.
    if (idx < this.#idx) throw new KvError("NO_QUORUM", `${link.name}: ${BEHIND_TEXT}`);
  }

  /** What it says of the revision that was told, against that; null: nothing. */
  #contradiction(stored: Stored | undefined, isAhead: boolean): string | null {
    if (this.#told === null) return null;
    if (isAhead) return "does not have";
    if (stored === undefined || isSame(stored, this.#told.put)) return null;
    return "has another change as";
  }
}

/** SEENCHECK-3. Another node, or this one later, may answer. */
function isOfNow(code: ErrorCode): boolean {
  return ERRORS[code].retryable || code === "UNAUTHENTICATED";
}

/** @throws DecodeError */
function heardIn(frame: Uint8Array): Heard {
  const heard: Heard = { idx: 0, origin: null, stored: undefined, refusal: null };
  const unasked = (): never => {
    throw new DecodeError("an answer that nobody has asked for");
  };
  decodeAnswers(frame, {
    appliedIdx: (idx) => {
      heard.idx = idx;
    },
    origin: (origin) => {
      heard.origin = origin;
    },
    value: (_, value, createRevision, modRevision, version) => {
      heard.stored = { value, createRevision, modRevision, version };
    },
    missing: () => {
      heard.stored = null;
    },
    page: () => {},
    compacted: () => {},
    unread: (_, code, text) => {
      heard.refusal = { code, text };
    },
    write: unasked,
    opened: unasked,
    refused: unasked,
  });
  return heard;
}

function isSame(a: Stored, b: Stored): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.modRevision === b.modRevision &&
    a.createRevision === b.createRevision &&
    a.version === b.version &&
    sameBytes(a.value, b.value)
  );
}

const BEHIND_TEXT = "this node is behind what this client has seen elsewhere";
