/** Management connections: one request a frame, one answer a frame, in order, and at a bounded rate for all together. */
import { unreachable } from "../base/assert.ts";
import { KvError } from "../base/errors.ts";
import { mayManage, rightsOf, type KvState } from "../kv/index.ts";
import { nameOf, unknownText } from "../replica/denied.ts";
import { acceptWithHandshake } from "../links/handshake-connection.ts";
import { DIRECTIONS, NO_FAULT, type Direction, type LinkFault } from "../links/drop-table.ts";
import type { PeerLinks } from "../links/peer-links.ts";
import type { Connection, ConnectionHandlers } from "../ports/network.ts";
import {
  AdminRequestError,
  decodeAdminRequest,
  encodeAdminError,
  encodeAdminResult,
  type AdminAccessChange,
  type AdminLink,
  type AdminParams,
  type AdminRequest,
  type AdminResult,
  type AdminStatus,
  type LinkDirection,
} from "../wire/admin.ts";
import { AdminConnection, type AdminGate, type AdminReply } from "./admin-connection.ts";
import { Backups } from "./backups.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import { listKeys } from "./list-keys.ts";
import { handshakeOf, hasProved, type GatewayContext } from "./context.ts";
import { accessOf, changeAccess, whoIs } from "./admin-access.ts";
import { userOf } from "./audit-frame.ts";
import { Identity } from "./identity.ts";

const HANDSHAKE_TIMEOUT_MS = 5000;
/** Requests a second that are answered, of all connections together, each in its turn; and how many at once. */
const REQUESTS_PER_MS = 0.5;
const REQUESTS_AT_ONCE = 50;
/** An answer costs as much again for each of so many bytes. */
const REQUEST_BYTES = 8 * 1024;
/** The bytes of a backup are cheap to make: so much of them is as much work as one byte else. Some 20 MB a second remain. */
const BACKUP_CHEAPER = 8;
/** Who asks more often hears the same again: putting a status together costs much more than sending it. */
const STATUS_KEPT_MS = 10;

/** A change that nobody has heard of for so long is answered: nothing is known of it. */
const CHANGE_MS = 4000;

/** Answered at once. */
type PlainRequest = Exclude<
  AdminRequest,
  { readonly op: "beginBackup" | "readBackup" | "signIn" | "whoami" | "changeAccess" }
>;

export interface AdminContext extends GatewayContext {
  readonly budget: BufferBudget;
  readonly links: PeerLinks;
  readonly status: () => AdminStatus;
  readonly linkStatus: () => AdminLink[];
}

export class AdminGateway implements AdminGate {
  readonly #context: AdminContext;
  /** Have not shaken hands: the network bounds them. */
  readonly #shaking = new Set<Connection>();
  readonly #connections = new Set<AdminConnection>();
  /** Those with requests that wait; whoever was served goes to the end. */
  readonly #queue = new Set<AdminConnection>();
  /** Requests that may be answered now; below zero: they have been already. */
  #allowed = REQUESTS_AT_ONCE;
  #allowedMs = 0;
  #status: { readonly status: AdminStatus; readonly takenMs: number } | null = null;
  #stopped = false;
  readonly #backups: Backups<AdminConnection>;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#backups = new Backups(context);
  }

  accept(connection: Connection): ConnectionHandlers {
    const { machine, strangers } = this.#context;
    if (this.#stopped) {
      connection.close("node stops");
      return { onFrame: () => {}, onClose: () => {} };
    }
    this.#shaking.add(connection);
    return acceptWithHandshake(connection, {
      clock: machine.clock,
      random: machine.random,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      handshake: handshakeOf(this.#context, "admin"),
      established: (_, remote) =>
        this.#established(connection, new Identity(connection, hasProved(this.#context, remote))),
      failed: (failure) => {
        this.#shaking.delete(connection);
        if (failure.kind === "ended") return;
        const { code, text } = failure;
        strangers.warn("management refused", { remote: connection.remote, code, reason: text });
      },
    });
  }

  stop(reason: string): void {
    this.#stopped = true;
    for (const connection of this.#shaking) connection.close(reason);
    for (const connection of this.#connections) connection.close(reason);
  }

  /** A turn begins: there is one every tick at least. */
  beginTurn(): void {
    if (this.#queue.size > 0) this.#serve();
  }

  tick(): void {
    this.#backups.tick();
  }

  queued(connection: AdminConnection): void {
    this.#queue.add(connection);
    this.#serve();
  }

  held(connection: AdminConnection, bytes: number): void {
    this.#context.budget.changed(connection, bytes);
  }

  ended(connection: AdminConnection): void {
    this.#connections.delete(connection);
    this.#backups.ownerEnded(connection);
    this.#queue.delete(connection);
    this.#context.budget.remove(connection);
  }

  misbehaved({ remote }: Pick<Connection, "remote">, what: string, reason: string): void {
    this.#context.strangers.warn(what, { remote, reason });
  }

  answer(connection: AdminConnection, frame: Uint8Array): AdminReply | "later" | null {
    try {
      return this.#answer(connection, decodeAdminRequest(frame));
    } catch (error) {
      if (!(error instanceof AdminRequestError)) throw error;
      this.misbehaved(connection, "malformed management request", error.message);
      if (error.id !== null) {
        return reply(encodeAdminError(error.id, new KvError("BAD_REQUEST", error.message)));
      }
      connection.close(`malformed request: ${error.message}`);
      return null;
    }
  }

  #established(connection: Connection, identity: Identity): ConnectionHandlers {
    this.#shaking.delete(connection);
    if (this.#connections.size >= this.#context.options.adminConnectionsMax) {
      connection.close("too many management connections");
      return { onFrame: () => {}, onClose: () => {} };
    }
    const admin = new AdminConnection(this, connection, identity);
    this.#connections.add(admin);
    this.#context.budget.add(admin);
    return admin;
  }

  /** One request of each that waits, and again, as long as it is allowed. */
  #serve(): void {
    const nowMs = this.#context.machine.clock.now();
    const more = (nowMs - this.#allowedMs) * REQUESTS_PER_MS;
    this.#allowed = Math.min(REQUESTS_AT_ONCE, this.#allowed + more);
    this.#allowedMs = nowMs;
    let idle = 0;
    while (this.#allowed >= 1 && idle < this.#queue.size) {
      const [next] = this.#queue;
      if (next === undefined) return;
      const work = next.serve();
      this.#queue.delete(next);
      if (next.hasWaiting) this.#queue.add(next);
      if (work === null) idle += 1;
      else {
        idle = 0;
        this.#allowed -= 1 + work / REQUEST_BYTES;
      }
    }
  }

  #answer(connection: AdminConnection, request: AdminRequest): AdminReply | "later" {
    const { id } = request;
    try {
      if (request.op === "signIn") return this.#signIn(connection, request);
      this.#mayAsk(connection, request);
      if (request.op === "whoami") {
        const result = whoIs(
          this.#context.replica.state.access,
          connection.identity,
          this.#nowMs(),
        );
        return reply(encodeAdminResult(id, request.op, result));
      }
      if (request.op === "changeAccess") return this.#changeAccess(connection, request);
      if (request.op === "beginBackup") return this.#beginBackup(connection, id);
      if (request.op !== "readBackup") return reply(this.#carryOut(request, connection));
      const { backup, piece } = request.params;
      const result = this.#backups.read(connection, backup, piece);
      const frame = encodeAdminResult(id, request.op, result);
      return { frame, work: frame.length / BACKUP_CHEAPER };
    } catch (error) {
      if (error instanceof KvError) return reply(encodeAdminError(id, error));
      throw error;
    }
  }

  /** Management is for root: what anybody may do is to sign in and to ask who he is. */
  #mayAsk(connection: AdminConnection, request: AdminRequest): void {
    const { access } = this.#context.replica.state;
    const actor = connection.identity.actor(this.#nowMs());
    const allowed = request.op === "whoami" || mayManage(access, actor);
    // Programs that look on ask for these several times a second, and nothing comes of it.
    const isLook =
      allowed &&
      (request.op === "status" || request.op === "getLinks" || request.op === "readBackup");
    if (!isLook) this.#audit(connection, userOf(actor), request, allowed);
    if (allowed) return;
    const { isKnown } = rightsOf(access, actor);
    throw isKnown
      ? new KvError(
          "FORBIDDEN",
          `management is for users with the role root, and ${nameOf(actor)} has it not`,
        )
      : new KvError("UNAUTHENTICATED", unknownText(actor));
  }

  #audit(
    connection: AdminConnection,
    user: string | null,
    request: AdminRequest,
    allowed: boolean,
  ): void {
    const operation = request.op === "changeAccess" ? request.params.change.kind : request.op;
    const subject = request.op === "changeAccess" ? subjectOf(request.params.change) : null;
    const from = connection.remote;
    this.#context.machine.audit?.record({ user, from, operation, keys: subject, allowed });
  }

  #signIn(
    connection: AdminConnection,
    request: Extract<AdminRequest, { readonly op: "signIn" }>,
  ): AdminReply | "later" {
    const { id, op, params } = request;
    const { user, password, token } = params;
    const proof = token === null ? { password: password ?? "" } : { token };
    return this.#later(connection, (done) =>
      this.#context.signIn.signIn(connection.remote, user, proof, (result) => {
        const wrong =
          result instanceof KvError ? null : connection.identity.signedIn(result, this.#nowMs());
        const answer = wrong === null ? result : new KvError("BAD_REQUEST", wrong);
        this.#audit(connection, user, request, !(answer instanceof KvError));
        if (answer instanceof KvError) return done(encodeAdminError(id, answer));
        const { token: made, lifetimeMs } = answer;
        done(encodeAdminResult(id, op, { token: made, lifetimeMs }));
      }),
    );
  }

  #changeAccess(
    connection: AdminConnection,
    { id, op, params }: Extract<AdminRequest, { readonly op: "changeAccess" }>,
  ): AdminReply | "later" {
    const { remote, identity } = connection;
    const who = { remote, actor: identity.actor(this.#nowMs()) };
    const { clock, logger } = this.#context.machine;
    return this.#later(connection, (done) => {
      let isOpen = true;
      const answer = (error: KvError | null): void => {
        if (!isOpen) return;
        isOpen = false;
        cancel();
        if (error === null)
          logger.warn("users or roles have changed", {
            what: params.change.kind,
            by: nameOf(who.actor),
          });
        done(error === null ? encodeAdminResult(id, op, {}) : encodeAdminError(id, error));
      };
      const cancel = clock.after(CHANGE_MS, () =>
        answer(
          new KvError(
            "TIMEOUT",
            "it was proposed, and nothing is known of it yet: look whether it holds",
          ),
        ),
      );
      changeAccess(this.#context, params.change, who, answer);
    });
  }

  /** @param begin calls `done` once, perhaps at once: then it is the reply */
  #later(
    connection: AdminConnection,
    begin: (done: (frame: Uint8Array) => void) => void,
  ): AdminReply | "later" {
    let atOnce: Uint8Array | null = null;
    let returned = false;
    begin((frame) => {
      if (returned) connection.answered(frame);
      else atOnce = frame;
    });
    returned = true;
    return atOnce === null ? "later" : reply(atOnce);
  }

  #nowMs(): number {
    return this.#context.machine.clock.now();
  }

  #beginBackup(connection: AdminConnection, id: number): "later" {
    this.#backups.begin(connection, (result) =>
      connection.answered(
        result instanceof KvError
          ? encodeAdminError(id, result)
          : encodeAdminResult(id, "beginBackup", result),
      ),
    );
    return "later";
  }

  #carryOut({ id, op, params }: PlainRequest, connection: AdminConnection): Uint8Array {
    const actor = connection.identity.actor(this.#nowMs());
    const { logger } = this.#context.machine;
    switch (op) {
      case "status":
        return encodeAdminResult(id, op, this.#statusNow());
      case "getLinks":
        return encodeAdminResult(id, op, this.#links());
      case "breakLink":
        this.#setFault(params.peer, params.direction, { dropPermille: 1000, delayMs: 0 });
        logger.info("link broken on purpose", {
          peer: params.peer,
          direction: params.direction,
        });
        return encodeAdminResult(id, op, this.#links());
      case "restoreLink":
        this.#setFault(params.peer, params.direction, NO_FAULT);
        logger.info("link restored", { peer: params.peer, direction: params.direction });
        return encodeAdminResult(id, op, this.#links());
      case "setFault": {
        const { peer, direction, dropPermille, delayMs } = params;
        this.#setFault(peer, direction, { dropPermille, delayMs });
        logger.info("link fault set", { peer, direction, dropPermille, delayMs });
        return encodeAdminResult(id, op, this.#links());
      }
      case "setFaults":
        this.#setFaults(params.faults);
        logger.info("link faults set", { faults: params.faults.length });
        return encodeAdminResult(id, op, this.#links());
      case "heal":
        this.#setFaults([]);
        logger.info("all links restored");
        return encodeAdminResult(id, op, this.#links());
      case "listKeys":
        return encodeAdminResult(id, op, listKeys(this.#context.replica.state, params));
      case "setQuota":
        this.#context.replica.settings.setQuota(params.bytes, actor);
        this.#context.wake();
        logger.warn("a quota for keys and values was proposed", { bytes: params.bytes });
        return encodeAdminResult(id, op, {});
      case "setHistory":
        this.#context.replica.settings.setHistory(params, actor);
        this.#context.wake();
        logger.warn("a bound of the history was proposed", { ...params });
        return encodeAdminResult(id, op, {});
      case "getAccess":
        return encodeAdminResult(id, op, accessOf(this.#context.replica.state.access));
      case "getHistory":
        return encodeAdminResult(id, op, historyOf(this.#context.replica.state));
      case "compact":
        this.#context.replica.settings.compact(params.revision, actor);
        this.#context.wake();
        logger.info("compaction was proposed", { revision: params.revision });
        return encodeAdminResult(id, op, {});
      default:
        return unreachable(op, "operation");
    }
  }

  /** All or nothing; of several for one direction the last holds. */
  #setFaults(faults: AdminParams<"setFaults">["faults"]): void {
    this.#mayBreak();
    const { links } = this.#context;
    for (const { peer } of faults) this.#knownPeer(peer);
    for (const peer of links.peers) {
      for (const direction of DIRECTIONS) {
        const named = faults.findLast(
          (fault) =>
            fault.peer === peer && (fault.direction === "both" || fault.direction === direction),
        );
        const { dropPermille, delayMs } = named ?? NO_FAULT;
        links.setFault(peer, [direction], { dropPermille, delayMs });
      }
    }
  }

  #setFault(peer: number, direction: LinkDirection, fault: LinkFault): void {
    this.#mayBreak();
    this.#knownPeer(peer);
    const { links } = this.#context;
    const directions: readonly Direction[] = direction === "both" ? DIRECTIONS : [direction];
    links.setFault(peer, directions, fault);
  }

  #mayBreak(): void {
    const { options } = this.#context;
    if (options.allowFaults) return;
    const text = `node ${options.nodeId} was started without --allow-faults: its links cannot be broken`;
    throw new KvError("FORBIDDEN", text);
  }

  #knownPeer(peer: number): void {
    const { options, links } = this.#context;
    if (links.peers.includes(peer)) return;
    const peers = links.peers.join(", ");
    const text =
      peer === options.nodeId
        ? `node ${peer} has no link to itself; its peers are ${peers}`
        : `node ${options.nodeId} has no peer ${peer}; its peers are ${peers}`;
    throw new KvError("UNKNOWN_NODE", text);
  }

  #statusNow(): AdminStatus {
    const nowMs = this.#context.machine.clock.now();
    if (this.#status === null || nowMs - this.#status.takenMs >= STATUS_KEPT_MS) {
      this.#status = { status: this.#context.status(), takenMs: nowMs };
    }
    return this.#status.status;
  }

  /** As they are now: somebody may just have changed them. */
  #links(): { links: AdminLink[] } {
    this.#status = null;
    return { links: this.#context.linkStatus() };
  }
}

function historyOf({ historyBound, cells, revision }: KvState): AdminResult<"getHistory"> {
  const { revisions, bytes, effective } = historyBound;
  const { oldest, bytes: keptBytes } = cells.history;
  return {
    revisions,
    bytes,
    oldest,
    revision,
    keptBytes,
    revisionsMax: effective.revisions,
    bytesMax: effective.bytes,
  };
}

/** For the audit log: whom it is about. */
function subjectOf(change: AdminAccessChange): string | null {
  const names = ["user" in change ? change.user : null, "role" in change ? change.role : null];
  const named = names.filter((name) => name !== null);
  return named.length === 0 ? null : named.join(" ");
}

function reply(frame: Uint8Array): AdminReply {
  return { frame, work: frame.length };
}
