/**
 * The client without promises: requests in, callbacks out, over the ports. It runs in the simulator unchanged.
 *
 * Owns the session, the links and every request without an answer. The requests of one turn of the event loop go to a
 * node in one frame of writes and at most two of reads; many reads do not wait for the end of the turn.
 *
 * Invariants:
 *   CLIENT-1. `done` is called once for each request, never from within `submit`.
 *   CLIENT-2. Every attempt of a write that may have been carried out carries the same session and number; so it takes effect once at
 *       most.
 *   CLIENT-3. A write fails definitely only when every attempt was refused definitely or never left.
 *   CLIENT-4. A write below the floor is answered or given up: the client never sends it again.
 *   CLIENT-5. A refusal counts only when it comes from the node asked last; an answer counts wherever it comes from.
 *   CLIENT-6. All answers come from one log of one cluster (KnownCluster), which never becomes shorter. The client leaves a node of
 *       another cluster, and the request goes on elsewhere; when all nodes are of other clusters the request fails at once.
 *   CLIENT-7. An answer is never compared with an index that the client saw only after it had sent the attempt that is answered. The
 *       client cannot tell which of several attempts that is: an attempt that it left behind may be answered as long as its connection
 *       lives.
 *   CLIENT-8. A write that was refused as that of nobody, and certainly not carried out, gets a new number when the client has signed in
 *       anew: the session keeps a refusal like an answer, and would repeat it under the old one.
 */
import { KvError } from "../../base/index.ts";
import type { CancelTimer, Clock } from "../../machine/ports/index.ts";
import { type AnswerHandler, decodeAnswers } from "../../protocol/client/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import { createAnswerHandler } from "./answers.ts";
import { clientSignIn } from "./client-sign-in.ts";
import { ClientSession } from "./client-session.ts";
import { linkOptionsOf } from "./link-options.ts";
import type { ClientCoreOptions, SubmitOptions, ObserveRequest } from "./core-options.ts";
import { Deadlines } from "./deadlines.ts";
import { checkOperation, type Answer, type Operation, type WriteOperation } from "./frames.ts";
import { KnownCluster, type NodeSelf } from "./known-cluster.ts";
import { Lane } from "./lane.ts";
import { withMissing } from "./missing-lanes.ts";
import { NodeLink, type LinkOptions } from "./node-link.ts";
import {
  type Done,
  isAttemptOver,
  lateText,
  newRequest,
  type ReadRequest,
  type Request,
  type WriteRequest,
} from "./request.ts";
import type { Endpoint } from "../terms/index.ts";

/** Requests without an answer; more are refused with OVERLOADED. */
const REQUESTS_MAX = 65_536;
/** Unless something else is asked for. */
export const TIMEOUT_MS = 5000;
export const ATTEMPT_TIMEOUT_MS = 2000;
/** A request is given up when it has lost so many connections: it may be the request that kills them. */
const LOSSES_MAX = 3;
const EXPIRIES_MAX = 3;
/** Pause before all nodes are tried again, doubled each time. */
const PARK_MS_MIN = 50;
const PARK_MS_MAX = 500;
const FULL_SOCKET_RETRY_MS = 5;

export class ClientCore {
  readonly #observe: ObserveRequest | null;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #attemptTimeoutMs: number;
  readonly #failFast: boolean;
  readonly #hasCredentials: boolean;
  readonly #lanes: readonly Lane[];
  readonly #lanesById: ReadonlyMap<number, Lane>;
  readonly #session: ClientSession;
  /** What is known of the cluster, by whichever connection. */
  readonly cluster = new KnownCluster();
  /** How nodes are dialed. */
  readonly linkOptions: LinkOptions;
  readonly #deadlines: Deadlines;
  readonly #handlers: readonly AnswerHandler[];
  readonly #reads = new Map<number, ReadRequest>();
  #nextRead = 1;
  #pending = 0;
  #preferred: Lane;
  #flushScheduled = false;
  #now = 0;
  readonly #epoch: number;
  #parked: Request[] = [];
  #parkMs = PARK_MS_MIN;
  #cancelUnpark: CancelTimer | null = null;
  #closed = false;

  constructor(options: ClientCoreOptions) {
    this.#clock = options.clock;
    this.#epoch = options.clock.now();
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#attemptTimeoutMs = options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS;
    this.#observe = options.observe ?? null;
    this.#hasCredentials = options.user !== undefined;
    this.#failFast = options.failFast ?? false;
    this.#deadlines = new Deadlines(options.clock, this.#epoch, (now) => this.#expire(now));
    this.#session = new ClientSession((length) => options.random.bytes(length));
    this.linkOptions = {
      ...linkOptionsOf(options),
      signIn: clientSignIn(options),
      meet: (self: NodeSelf, by: string) => this.cluster.meet(self, by),
    };
    this.#lanes = options.nodes.map((node, index) => {
      const link: NodeLink = new NodeLink(node, "client", this.linkOptions, {
        onOpen: () => {
          lane.wrongCluster = null;
          lane.isUnreachable = false;
          this.#scheduleFlush();
        },
        onFrame: (frame) => this.#onFrame(lane, frame),
        onLost: (error) => this.#onLost(lane, error),
        onUnreachable: (error) => this.#onUnreachable(lane, error),
      });
      const lane: Lane = new Lane(index, link, () =>
        this.#clock.after(this.#attemptTimeoutMs, () => this.#onOpeningLate(lane)),
      );
      return lane;
    });
    this.cluster.onLeft((name, error) => {
      for (const { link } of this.#lanes) if (link.isOpen && link.name === name) link.drop(error);
    });
    this.#handlers = this.#lanes.map((lane) =>
      createAnswerHandler(lane.link, {
        appliedIdx: (idx) => {
          lane.answerIdx = idx;
        },
        origin: (origin) => {
          this.cluster.check(origin, lane.link.name);
          lane.link.originTold();
        },
        sessionOpened: (nonce, session) => {
          this.cluster.answered(lane.answerIdx, lane.openingIdx ?? 0, lane.link);
          lane.openingOver();
          this.#session.opened(nonce, session);
          this.#scheduleFlush();
        },
        openRefused: (error) => this.#onOpenRefused(lane, error),
        written: (session, number, answer) =>
          this.#resolve(lane, this.#session.get(session, number), answer),
        writeRefused: (session, number, error) =>
          this.#onRefused(lane, this.#session.get(session, number), error),
        read: (number, answer) => this.#onRead(lane, this.#reads.get(number), answer),
        readRefused: (number, error) => this.#onRefused(lane, this.#reads.get(number), error),
      }),
    );
    this.#lanesById = new Map(
      this.#lanes.flatMap((lane) =>
        lane.link.node.id === null ? [] : [[lane.link.node.id, lane]],
      ),
    );
    const drawn = this.#lanes[options.random.uint32() % Math.max(1, this.#lanes.length)];
    const { firstNode } = options;
    const first = firstNode === undefined ? drawn : this.#lanesById.get(firstNode);
    if (drawn === undefined) throw new KvError("BAD_REQUEST", "nodes: expected at least one");
    if (first === undefined) {
      throw new KvError("UNKNOWN_NODE", `firstNode: ${this.#noNode(firstNode)}`);
    }
    this.#preferred = first;
  }

  /** The place of the node that is asked first now. */
  get preferredIndex(): number {
    return this.#preferred.index;
  }

  /** Where a node is found that was named with its id, or reached before; otherwise why it is not known. */
  endpointOf(node: number): Endpoint | KvError {
    return this.#laneOf(node)?.link.node ?? new KvError("UNKNOWN_NODE", this.#noNode(node));
  }

  /** Requests without an answer. */
  get pending(): number {
    return this.#pending;
  }

  /** @returns for `cancel`; null when it was refused at once */
  submit(operation: Operation, options: SubmitOptions, done: Done): Request | null {
    const { node } = options;
    const refusal = this.#check(operation, node);
    if (refusal !== null) {
      this.#clock.endOfTurn(() => done(refusal, null));
      return null;
    }
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const deadline = this.#turnTime() + Math.ceil(timeoutMs);
    const ended = this.#observe?.(operation, done) ?? done;
    const request = newRequest(operation, node, timeoutMs, deadline, ended);
    this.#pending += 1;
    const lane = node === null ? this.#preferred : this.#laneOf(node);
    lane?.enqueue(request);
    this.#scheduleFlush();
    this.#deadlines.add(request.deadline);
    if (lane?.hasManyReads(this.#reads.size) === true && lane.link.isOpen) this.#flushLane(lane);
    return request;
  }

  /** Gives the request up: `done` is called with CANCELLED, unless it was called before. */
  cancel(request: Request): void {
    this.#giveUp(request, "CANCELLED", "cancelled");
  }

  /**
   * Gives up every request without an answer, and ends the links.
   * @param lastWords writes that the client sends without waiting for their answers, if a node can be told at once
   */
  close(lastWords: readonly WriteOperation[] = []): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const request of this.#all()) this.#giveUp(request, "CANCELLED", "client closed");
    this.#cancelUnpark?.();
    this.#deadlines.stop();
    this.#closeSession(lastWords);
    for (const lane of this.#lanes) {
      lane.openingOver();
      lane.link.close();
    }
  }

  /** Frees the session's place, if that costs no waiting, and before that sends the writes whose answers the client will not wait for. */
  #closeSession(lastWords: readonly WriteOperation[]): void {
    const { id } = this.#session;
    const lane = this.#lanes.find(({ link }) => link.isOpen);
    if (id === null || lane === undefined) return;
    lane.sendLastWords(this.#session, id, lastWords);
    lane.sendCloseSession(id, this.#session.takeNumber());
  }

  #check(operation: Operation, node: number | null): KvError | null {
    if (this.#closed) return new KvError("CANCELLED", "the client is closed", { definite: true });
    if (node !== null && this.#laneOf(node) === undefined) {
      return new KvError("UNKNOWN_NODE", this.#noNode(node));
    }
    if (this.#pending >= REQUESTS_MAX) {
      return new KvError(
        "OVERLOADED",
        `${REQUESTS_MAX} requests of this client have no answer yet`,
      );
    }
    return checkOperation(operation);
  }

  /** Named with its id, or known by it since it was reached. */
  #laneOf(node: number): Lane | undefined {
    return this.#lanesById.get(node) ?? this.#lanes.find(({ link }) => link.id === node);
  }

  #noNode(node: number | undefined): string {
    const ids = [...this.#lanesById.keys()].join(", ");
    if (ids !== "") return `there is no node ${node}: the nodes are ${ids}`;
    return `no node can be asked by its id, ${node}: name nodes with their ids, like "1=127.0.0.1:4101"`;
  }

  /** Milliseconds since the client was made; one look at the clock serves all requests of a turn. */
  #turnTime(): number {
    if (!this.#flushScheduled) this.#now = Math.ceil(this.#clock.now() - this.#epoch);
    return this.#now;
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#turnTime();
    this.#flushScheduled = true;
    this.#clock.endOfTurn(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#closed) return;
    for (const lane of this.#lanes) {
      if (lane.isEmpty) continue;
      if (!lane.link.isOpen) lane.link.open();
      else this.#flushLane(lane);
    }
  }

  #flushLane(lane: Lane): void {
    const now = this.#turnTime();
    const sent = (request: Request): void => this.#onSending(request, now);
    if (!lane.flush(this.#session, this.cluster.seenIdx, sent)) {
      this.#clock.after(FULL_SOCKET_RETRY_MS, () => this.#scheduleFlush());
    }
  }

  #onSending(request: Request, now: number): void {
    request.state = "sent";
    const isLocal = !request.isWrite && request.operation.local;
    if (!request.isOverdue && !isLocal) request.seenIdx = this.cluster.seenIdx;
    if (!request.isWrite) {
      request.knewOrigin = this.cluster.hasOrigin;
      if (request.number === 0) request.number = this.#nextRead++;
      this.#reads.set(request.number, request);
    }
    if (request.node !== null || this.#lanes.length === 1) return;
    request.attemptDeadline = now + this.#attemptTimeoutMs;
    this.#deadlines.add(request.attemptDeadline);
  }

  #onFrame(lane: Lane, frame: Uint8Array): void {
    try {
      const handler = this.#handlers[lane.index];
      if (handler !== undefined) decodeAnswers(frame, handler);
    } catch (error) {
      // Nothing else from this connection can be trusted; its requests go on as after any lost connection.
      if (error instanceof DecodeError) lane.link.drop();
      else if (isWrongCluster(error)) lane.link.drop(error);
      else throw error;
    }
    if (!lane.isEmpty) this.#scheduleFlush();
  }

  /** CLIENT-6: a state without an origin answers nothing when it should have a known one (KnownCluster, SAMECLUSTER-3). */
  #onRead(lane: Lane, request: ReadRequest | undefined, answer: Answer): void {
    if (request === undefined || !lane.link.asksForOrigin || !this.cluster.hasOrigin) {
      return this.#resolve(lane, request, answer);
    }
    if (request.lane !== lane || request.state !== "sent") return;
    if (request.operation.local) {
      const text = `${lane.link.name} is behind what this client has seen elsewhere`;
      return this.#refused(request, new KvError("NO_QUORUM", text));
    }
    if (request.knewOrigin) throw this.cluster.emptied(lane.link.name);
    // The read left before the client knew an origin, so its answer may have been true then.
    lane.enqueue(request);
  }

  #resolve(lane: Lane, request: Request | undefined, answer: Answer): void {
    if (request === undefined) return;
    this.cluster.answered(lane.answerIdx, request.seenIdx, lane.link);
    this.#parkMs = PARK_MS_MIN;
    this.#finish(request, null, answer);
  }

  #onOpenRefused(lane: Lane, error: KvError): void {
    lane.openingOver();
    if (this.#session.id !== null) return;
    // None of them has been sent, even though the client does not know whether the session was opened.
    const isUnknown = error.code === "UNAUTHENTICATED";
    for (const request of lane.queued()) {
      if (!request.isWrite || (isUnknown && this.#mayAskAgain(lane, request))) continue;
      this.#refused(request, error);
    }
  }

  /** The request or its answer was lost on the way, or the node is busy. Opening twice does no harm. */
  #onOpeningLate(lane: Lane): void {
    lane.openingOver();
    this.#leaveQueue(lane);
    this.#scheduleFlush();
  }

  /** A connected node has not answered. Any node's words say more than that, and that says more than that a node is down. */
  #onSilence(request: Request, lane: Lane): void {
    const { lastError } = request;
    if (lastError !== null && lastError.code !== "CONNECTION_FAILED") return;
    const text = `${lane.link.name} did not answer within ${this.#attemptTimeoutMs} ms`;
    noteError(request, new KvError("TIMEOUT", text), lane);
  }

  #onRefused(lane: Lane, request: Request | undefined, error: KvError): void {
    if (request === undefined || request.state !== "sent" || request.lane !== lane) return;
    if (request.isWrite) {
      if (error.code === "SESSION_EXPIRED") return this.#onExpired(request, error);
      if (!error.definite) {
        request.maybeApplied = true;
        request.isOverdue = true;
      }
    }
    if (error.code === "UNAUTHENTICATED" && this.#mayAskAgain(lane, request)) return;
    this.#refused(request, error);
    if (isWrongCluster(error)) this.cluster.refused(lane.link);
  }

  /** The client's last sign-in may have ended: once for each request it signs in anew. */
  #mayAskAgain(lane: Lane, request: Request): boolean {
    if (!this.#hasCredentials || request.signedInAgain || !lane.link.isOpen) return false;
    request.signedInAgain = true;
    // CLIENT-8.
    if (request.isWrite && !request.maybeApplied) this.#release(request);
    lane.link.signInAgain();
    // A request that waits for a session is in the queue already.
    if (request.state !== "queued") lane.enqueue(request);
    this.#scheduleFlush();
    return true;
  }

  #refused(request: Request, error: KvError): void {
    noteError(request, error, request.lane);
    if (request.node === null && error.retryable) this.#moveOn(request);
    else this.#fail(request, error);
  }

  #onExpired(request: WriteRequest, error: KvError): void {
    noteError(request, error, request.lane);
    request.expiries += 1;
    if (request.session === this.#session.id) {
      this.#session.expired();
      // Requests under way get their own refusal, or lose their connection.
      for (const other of this.#session.unanswered()) {
        if (other.state !== "sent") this.#mayRetry(other);
      }
    }
    if (request.expiries >= EXPIRIES_MAX) return this.#fail(request, error);
    if (!this.#mayRetry(request)) return;
    request.lane?.enqueue(request);
    this.#scheduleFlush();
  }

  /**
   * CLIENT-2: a number means nothing in another session. A write that was certainly not carried out gets a new number; every other
   * write fails here. @returns false when it failed
   */
  #mayRetry(request: Request): boolean {
    if (!request.isWrite || request.number === 0) return true;
    if (request.session === this.#session.id) return true;
    if (request.maybeApplied) {
      const text = "the session expired before the write was answered";
      this.#fail(request, new KvError("SESSION_EXPIRED", text));
      return false;
    }
    this.#release(request);
    return true;
  }

  #onLost(lane: Lane, error: KvError): void {
    lane.openingOver();
    lane.openingIdx = null;
    lane.wrongCluster = isWrongCluster(error) ? error : null;
    for (const request of this.#all()) {
      if (request.lane !== lane) continue;
      if (request.state === "sent") this.#retryAfterLoss(request, lane, error);
      else if (request.state === "queued" && request.node === null) {
        if (lane.wrongCluster !== null) noteError(request, error, lane);
        this.#moveOn(request);
      }
    }
    this.#scheduleFlush();
  }

  #retryAfterLoss(request: Request, lane: Lane, error: KvError): void {
    request.losses += 1;
    noteError(request, error, lane);
    if (request.isWrite) request.maybeApplied = true;
    const isHopeless = request.node !== null && isWrongCluster(error);
    if (request.losses >= LOSSES_MAX || isHopeless) this.#fail(request, error);
    else if (request.node === null) this.#moveOn(request);
    else if (this.#mayRetry(request)) lane.enqueue(request);
  }

  #onUnreachable(lane: Lane, error: KvError): void {
    lane.wrongCluster = isWrongCluster(error) ? error : null;
    lane.isUnreachable = true;
    for (const request of lane.takeQueued()) {
      // The refusal of a node that is up and hears no majority says more than a node that is down, until that node is down itself.
      const { lastError, lastErrorOf } = request;
      const isUp = lastError?.code === "NO_QUORUM" || lastError?.code === "TIMEOUT";
      if (request.node !== null || !isUp || lastErrorOf === lane) noteError(request, error, lane);
      // A wrong password is wrong at every node, and each attempt costs one.
      if (request.node === null && error.code !== "UNAUTHENTICATED") this.#moveOn(request);
      else this.#fail(request, error);
    }
  }

  /** Sends the request to the next node; when it has tried each, it pauses and tries each once more. */
  #moveOn(request: Request): void {
    const { index } = request.lane ?? this.#preferred;
    const next = this.#lanes[(index + 1) % this.#lanes.length] ?? this.#preferred;
    if (this.#preferred.index === index) this.#preferred = next;
    request.tried += 1;
    request.attemptDeadline = 0;
    if (!this.#mayRetry(request)) return;
    if (request.tried < this.#lanes.length) {
      next.enqueue(request);
      this.#scheduleFlush();
      return;
    }
    const { lastError } = request;
    const isLost = this.#lanes.every(({ wrongCluster }) => wrongCluster !== null);
    // A silent node may answer the next time; the timeout tells the caller that it said nothing.
    const isOver = this.#failFast && lastError?.code !== "TIMEOUT";
    if ((isOver || isLost) && lastError !== null) return this.#fail(request, lastError);
    request.lane = next;
    request.state = "parked";
    request.tried = 0;
    this.#parked.push(request);
    if (this.#cancelUnpark !== null) return;
    this.#cancelUnpark = this.#clock.after(this.#parkMs, () => this.#unpark());
    this.#parkMs = Math.min(2 * this.#parkMs, PARK_MS_MAX);
  }

  #unpark(): void {
    this.#cancelUnpark = null;
    const parked = this.#parked;
    this.#parked = [];
    for (const request of parked) {
      if (request.state === "parked") this.#preferred.enqueue(request);
    }
    this.#scheduleFlush();
  }

  #expire(now: number): number {
    let earliest = Infinity;
    const late = new Set<Lane>();
    for (const request of this.#all()) {
      if (request.deadline <= now) {
        this.#giveUp(request, "TIMEOUT", lateText(request));
      } else if (isAttemptOver(request, now)) {
        if (request.isWrite) request.maybeApplied = true;
        request.isOverdue = true;
        const lane = this.#carrierOf(request);
        if (lane !== undefined) {
          late.add(lane);
          this.#onSilence(request, lane);
        }
        this.#moveOn(request);
      }
      if (request.state === "over") continue;
      earliest = Math.min(earliest, request.deadline, request.attemptDeadline || Infinity);
    }
    for (const lane of late) this.#leaveQueue(lane);
    return earliest;
  }

  /** What has not been sent yet has no deadline of its own that would move it along: the node may be frozen, or its socket full. */
  #leaveQueue(lane: Lane): void {
    for (const request of lane.queued()) {
      if (request.node !== null) continue;
      this.#onSilence(request, lane);
      this.#moveOn(request);
    }
  }

  /** Every request without an answer, some of them twice. */
  #all(): readonly Request[] {
    return [
      ...this.#session.unanswered(),
      ...this.#reads.values(),
      ...this.#lanes.flatMap((lane) => lane.queued()),
      ...this.#parked.filter(({ state }) => state === "parked"),
    ];
  }

  /** Stops waiting. Nothing has refused the request. */
  #giveUp(request: Request, code: "TIMEOUT" | "CANCELLED", text: string): void {
    if (request.state === "over") return;
    const { state } = request;
    const lane = this.#carrierOf(request);
    if (state === "queued" && lane?.link.isOpen === true) this.#onSilence(request, lane);
    const lastError = this.#worthTelling(request.lastError);
    if (state === "sent" && request.isWrite) request.maybeApplied = true;
    // Where the request hung says more than that its time is up.
    if (code === "TIMEOUT" && state !== "sent" && lastError !== null) {
      return this.#fail(request, lastError);
    }
    const where = request.node === null ? "" : ` from node ${request.node}`;
    this.#fail(request, new KvError(code, code === "TIMEOUT" ? `${text}${where}` : text));
  }

  /** A wrong list of nodes says more than a node that is down. */
  #worthTelling(error: KvError | null): KvError | null {
    if (error?.code !== "CONNECTION_FAILED") return error;
    return this.#lanes.find(({ wrongCluster }) => wrongCluster !== null)?.wrongCluster ?? error;
  }

  #fail(request: Request, error: KvError): void {
    const definite = !(request.isWrite && request.maybeApplied);
    const isNew = !definite && error.definite;
    const told = isNew ? `${error.message}; it may have taken effect before` : error.message;
    const text = withMissing(told, error.code, request.node === null ? this.#lanes : []);
    if (error.definite === definite && text === error.message)
      return this.#finish(request, error, null);
    // "Cannot connect" would say that nothing was sent.
    const code = !definite && error.code === "CONNECTION_FAILED" ? "CONNECTION_LOST" : error.code;
    this.#finish(request, new KvError(code, text, { cause: error, definite }), null);
  }

  /** The lane that a request is in; undefined: none. */
  #carrierOf({ lane }: Request): Lane | undefined {
    return this.#lanes[lane?.index ?? -1];
  }

  /** Writes that wait for a number may do so in the lane of another node than the one that has answered. */
  #release(request: WriteRequest): void {
    if (this.#session.release(request)) this.#scheduleFlush();
  }

  #finish(request: Request, error: KvError | null, answer: Answer | null): void {
    if (request.state === "over") return;
    request.state = "over";
    request.lane = null;
    this.#pending -= 1;
    if (request.isWrite) this.#release(request);
    else this.#reads.delete(request.number);
    request.done(error, answer);
  }
}

/** Notes the error that the caller is told if nothing better comes, and the node that it came from, or that it is about. */
function noteError(request: Request, error: KvError, of: Request["lastErrorOf"]): void {
  request.lastError = error;
  request.lastErrorOf = of;
}

function isWrongCluster(error: unknown): error is KvError {
  return error instanceof KvError && error.code === "WRONG_CLUSTER";
}
