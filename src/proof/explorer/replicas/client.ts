/**
 * A client process, and what it must be told: it knows what it has asked for, and what had been acknowledged by then. Its
 * request numbers begin at 1, as those of every process.
 */
import { STATUS, GroupWriter, NO_SESSION } from "../../../store/index.ts";
import {
  AnswerWriter,
  decodeAnswers,
  decodeClientFrame,
  ReadsWriter,
  takeWritesFrame,
} from "../../../protocol/client/index.ts";
import type { NodeId } from "../../../omnipaxos/index.ts";
import { type Route, RouteLoad } from "../../../replica/index.ts";
import type { LogModel } from "./log-model.ts";
import type { MemoryNode } from "./memory-node.ts";

/** What all clients together know: it may only grow. */
export interface Acknowledged {
  /** By key: the greatest revision that any client was told of. */
  readonly revisions: Map<string, number>;
  /** Writes that were refused for good, none of which may take effect. */
  readonly refused: { readonly session: number; readonly sequence: number }[];
}

interface AskedRead {
  readonly key: string;
  /** The greatest revision of the key that any client had been told of. */
  readonly atLeast: number;
  answered: boolean;
}

interface AskedWrite {
  readonly key: string;
  readonly value: string;
  attempts: number;
  /** 0: no answer yet; -1: refused. */
  revision: number;
}

const NONCE_BYTES = 16;
const OPEN_SEQUENCE = 0;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ClientProcess {
  /** Its number among all client processes; part of every value that it writes. */
  readonly #number: number;
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #nonce: Uint8Array;
  readonly #reads = new Map<number, AskedRead>();
  readonly #writes = new Map<number, AskedWrite>();
  #session: number | null = null;
  #nextRequest = 1;
  #nextSequence = 1;
  #connection: { readonly node: MemoryNode; readonly boot: number; readonly route: Route } | null =
    null;
  #close: () => void = () => {};

  /** @param onFrame called with each frame of answers: the caller gives it to `answered` when it arrives */
  constructor(number: number, onFrame: (frame: Uint8Array) => void) {
    this.#number = number;
    this.#onFrame = onFrame;
    this.#nonce = new Uint8Array(NONCE_BYTES);
    new DataView(this.#nonce.buffer).setUint32(0, number);
  }

  get isConnected(): boolean {
    const connection = this.#connection;
    return connection !== null && connection.node.boot === connection.boot;
  }

  /** The node it is connected to. */
  get nodeId(): NodeId | undefined {
    return this.isConnected ? this.#connection?.node.pid : undefined;
  }

  get hasSession(): boolean {
    return this.#session !== null;
  }

  /** Requests without an answer. */
  get waiting(): number {
    const reads = [...this.#reads.values()].filter(({ answered }) => !answered);
    return reads.length + this.#unanswered().length;
  }

  connect(node: MemoryNode): void {
    this.disconnect();
    let open = true;
    const { boot } = node;
    const route: Route = {
      id: node.replica.newRouteId(),
      relayed: false,
      answers: new AnswerWriter(),
      load: new RouteLoad(),
      isOpen: () => open,
      deliver: (frame) => {
        if (open) this.#onFrame(frame);
      },
    };
    this.#connection = { node, boot, route };
    this.#close = () => {
      open = false;
      if (node.boot === boot) node.replica.onRouteClosed(route);
    };
    if (this.#session === null) this.#openSession();
    for (const [sequence] of this.#unanswered()) this.#sendWrite(sequence);
    for (const [request, read] of this.#reads) if (!read.answered) this.#sendRead(request, read);
  }

  /** The connection ends; when the node is another process by now it has ended already. */
  disconnect(): void {
    this.#close();
    this.#close = () => {};
    this.#connection = null;
  }

  read(key: string, { revisions }: Acknowledged): void {
    const request = this.#nextRequest++;
    const read = { key, atLeast: revisions.get(key) ?? 0, answered: false };
    this.#reads.set(request, read);
    this.#sendRead(request, read);
  }

  /** It has a session. */
  write(key: string): void {
    const sequence = this.#nextSequence++;
    const value = `${key}=${this.#number}.${sequence}`;
    this.#writes.set(sequence, { key, value, attempts: 0, revision: 0 });
    this.#sendWrite(sequence);
  }

  /** @returns what is wrong with these answers, or null */
  answered(frame: Uint8Array, log: LogModel, acknowledged: Acknowledged): string | null {
    let problem: string | null = null;
    const judge = (text: string | null): void => {
      problem ??= text === null ? null : `client process ${this.#number}: ${text}`;
    };
    decodeAnswers(frame, {
      appliedIdx: () => {},
      write: (session, sequence, status, revision) =>
        judge(this.#written(session, sequence, status, revision, log, acknowledged)),
      opened: (_sequence, nonce, session) => judge(this.#opened(nonce, session)),
      refused: (session, first, count) => {
        for (let i = 0; i < count; i++) judge(this.#refused(session, first + i, acknowledged));
      },
      value: (request, value, _created, revision) =>
        judge(this.#value(request, decoder.decode(value), revision, log, acknowledged)),
      missing: (request) => judge(this.#missing(request)),
      unread: (request) => judge(this.#unread(request)),
    });
    return problem;
  }

  #written(
    session: number,
    sequence: number,
    status: number,
    revision: number,
    log: LogModel,
    { revisions }: Acknowledged,
  ): string | null {
    const asked = session === this.#session ? this.#writes.get(sequence) : undefined;
    if (asked === undefined) {
      return `an answer to write ${sequence} of session ${session}, which it never sent`;
    }
    if (status !== STATUS.ok) return `write ${sequence} ends with status ${status}`;
    if (asked.revision > 0 && asked.revision !== revision) {
      return `write ${sequence} took effect at revision ${asked.revision}, then at ${revision}`;
    }
    asked.revision = revision;
    const change = log.changeAt(revision);
    if (change?.key !== asked.key || change.value !== asked.value) {
      return `write ${sequence} is acknowledged at revision ${revision}, and the decided log does not have it there`;
    }
    revisions.set(asked.key, Math.max(revision, revisions.get(asked.key) ?? 0));
    return null;
  }

  #opened(nonce: Uint8Array, session: number): string | null {
    if (nonce.some((byte, i) => byte !== this.#nonce[i])) {
      return `the session ${session}, which somebody else asked for`;
    }
    // Each request that gets into the log opens a session: this client needs only one.
    this.#session ??= session;
    return null;
  }

  #refused(session: number, sequence: number, { refused }: Acknowledged): string | null {
    // The request to open the session; it will be asked for with the next connection.
    if (session === NO_SESSION) return null;
    const asked = session === this.#session ? this.#writes.get(sequence) : undefined;
    if (asked === undefined) {
      return `a refusal of write ${sequence} of session ${session}, which it never sent`;
    }
    if (asked.revision !== 0) return null;
    // An earlier attempt, through another connection, may be in the log all the same.
    if (asked.attempts === 1) refused.push({ session, sequence });
    asked.revision = -1;
    return null;
  }

  #value(
    request: number,
    value: string,
    revision: number,
    log: LogModel,
    { revisions }: Acknowledged,
  ): string | null {
    const asked = this.#reads.get(request);
    if (asked === undefined) return `"${value}" for read ${request}, which it never sent`;
    if (asked.answered) return `read ${request} of ${asked.key} is answered twice`;
    asked.answered = true;
    const [key] = value.split("=");
    if (key !== asked.key) return `"${value}", somebody else's, for its read of ${asked.key}`;
    const change = log.changeAt(revision);
    if (change?.value !== value) return `"${value}", which the decided log has not got there`;
    if (revision < asked.atLeast) return this.#stale(asked, `"${value}" of revision ${revision}`);
    revisions.set(key, Math.max(revision, revisions.get(key) ?? 0));
    return null;
  }

  #missing(request: number): string | null {
    const asked = this.#reads.get(request);
    if (asked === undefined) return `nothing for read ${request}, which it never sent`;
    if (asked.answered) return `read ${request} of ${asked.key} is answered twice`;
    asked.answered = true;
    return asked.atLeast > 0 ? this.#stale(asked, "nothing") : null;
  }

  #unread(request: number): string | null {
    const asked = this.#reads.get(request);
    if (asked === undefined) return `a refusal of read ${request}, which it never sent`;
    asked.answered = true;
    return null;
  }

  #stale({ key, atLeast }: AskedRead, got: string): string {
    return `a stale read: ${got} for ${key}, of which revision ${atLeast} had been told before it was asked for`;
  }

  #unanswered(): [number, AskedWrite][] {
    return [...this.#writes].filter(([, { revision }]) => revision === 0);
  }

  #openSession(): void {
    const writer = new GroupWriter();
    writer.add(OPEN_SEQUENCE, { kind: "openSession", nonce: this.#nonce });
    this.#send(takeWritesFrame(writer, NO_SESSION, 0));
  }

  #sendWrite(sequence: number): void {
    const asked = this.#writes.get(sequence);
    if (asked === undefined || this.#session === null) return;
    asked.attempts += 1;
    const floor = this.#unanswered()[0]?.[0] ?? sequence;
    const writer = new GroupWriter();
    const [key, value] = [encoder.encode(asked.key), encoder.encode(asked.value)];
    writer.add(sequence, { kind: "write", key, value });
    this.#send(takeWritesFrame(writer, this.#session, floor));
  }

  #sendRead(request: number, { key }: AskedRead): void {
    const writer = new ReadsWriter();
    writer.read(request, encoder.encode(key));
    this.#send(writer.take(false, 0));
  }

  #send(frame: Uint8Array): void {
    const connection = this.#connection;
    if (connection === null || !this.isConnected) return;
    const { node, route } = connection;
    const decoded = decodeClientFrame(frame);
    if (decoded.kind === "writes") node.replica.onWrites(route, decoded.group, decoded.count);
    else if (decoded.kind === "reads") node.replica.onReads(route, frame, decoded);
    node.wake();
  }
}
