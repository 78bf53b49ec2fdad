/** Management connections: one request a frame, one answer a frame, in order, and at a bounded rate for all together. */
import {
  BROKEN,
  KvError,
  linkFault,
  type LinkFault,
  NO_FAULT,
  unreachable,
} from "../../base/index.ts";
import { type Direction, DIRECTIONS, type PeerLinks } from "../../links/index.ts";
import type { Connection, ConnectionHandlers } from "../../machine/ports/index.ts";
import { mayManage } from "../../store/index.ts";
import {
  type AdminLink,
  type AdminParams,
  type AdminRequest,
  AdminRequestError,
  type AdminResult,
  type AdminStatus,
  decodeAdminRequest,
  encodeAdminError,
  encodeAdminResult,
  type LinkDirection,
} from "../../protocol/admin/index.ts";
import { AdminConnection, type AdminGate, type AdminReply } from "./admin-connection.ts";
import { Backups } from "./backups.ts";
import type { BufferBudget } from "./buffer-budget.ts";
import { askSettings, changeSetting, historyOf, type SettingRequest } from "./setting-requests.ts";
import { listKeys } from "./list-keys.ts";
import { Arrivals } from "./arrivals.ts";
import type { GatewayContext } from "./context.ts";
import { accessOf } from "./admin-access.ts";
import { AdminUsers } from "./admin-users.ts";

/** Requests a second that are answered, of all connections together, each in its turn; and how many at once. */
const REQUESTS_PER_MS = 0.5;
const REQUESTS_AT_ONCE = 50;
/** An answer costs as much again for each of so many bytes. */
const REQUEST_BYTES = 8 * 1024;
/** The bytes of a backup are cheap to make: so many of them are as much work as one other byte. Some 20 MB a second remain. */
const BACKUP_CHEAPER = 8;
/** A manager that asks more often gets the same answer again: putting a status together costs much more than sending it. */
const STATUS_KEPT_MS = 10;

type SettingsQuestion = Extract<AdminRequest, { readonly op: "getSettings" }>;
type BackupRequest = Extract<AdminRequest, { readonly op: "beginBackup" | "readBackup" }>;
/** Requests that are about who is connected, and not about the node. */
type UserRequest = Extract<AdminRequest, { readonly op: "signIn" | "whoami" }>;

export interface AdminContext extends GatewayContext {
  readonly budget: BufferBudget;
  readonly links: PeerLinks;
  readonly status: () => AdminStatus;
  readonly linkStatus: () => AdminLink[];
}

export class AdminGateway implements AdminGate {
  readonly #context: AdminContext;
  readonly #arrivals: Arrivals<AdminConnection>;
  /** Connections with requests that wait; one that was served goes to the end. */
  readonly #queue = new Set<AdminConnection>();
  /** Requests that the node may answer now; below zero: it has answered more already. */
  #allowed = REQUESTS_AT_ONCE;
  #allowedMs = 0;
  #status: { readonly status: AdminStatus; readonly takenMs: number } | null = null;
  readonly #backups: Backups<AdminConnection>;
  readonly #users: AdminUsers;

  constructor(context: AdminContext) {
    this.#context = context;
    this.#arrivals = new Arrivals(context, context.budget, {
      channel: "admin",
      refused: "management refused",
      max: context.options.adminConnectionsMax,
      tooMany: "too many management connections",
      goesFirst: (actor) => mayManage(context.replica.state.access, { actor }),
      letIn: (connection, identity) => new AdminConnection(this, connection, identity),
    });
    this.#users = new AdminUsers(context);
    this.#backups = new Backups(context);
  }

  accept(connection: Connection): ConnectionHandlers {
    return this.#arrivals.accept(connection);
  }

  stop(reason: string): void {
    this.#arrivals.stop(reason);
  }

  /** A turn begins: there is one every tick at least. */
  beginTurn(): void {
    if (this.#queue.size > 0) this.#serve();
  }

  tick(): void {
    this.#arrivals.tick();
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
    this.#backups.ownerEnded(connection);
    this.#queue.delete(connection);
    this.#arrivals.ended(connection);
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

  /** Answers one request of each waiting connection, and again, as long as the rate allows. */
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
      if (request.op === "signIn") {
        return later(connection, (done) => this.#users.signIn(connection, request, done));
      }
      this.#users.mayAsk(connection, request);
      switch (request.op) {
        case "whoami":
          return reply(encodeAdminResult(id, request.op, this.#users.whoIs(connection)));
        case "beginBackup":
          return this.#beginBackup(connection, id);
        case "readBackup": {
          const { backup, piece } = request.params;
          const result = this.#backups.read(connection, backup, piece);
          const frame = encodeAdminResult(id, request.op, result);
          return { frame, work: frame.length / BACKUP_CHEAPER };
        }
        case "setQuota":
        case "setHistory":
        case "compact":
        case "changeAccess":
          return later(connection, (done) =>
            changeSetting(this.#context, request, this.#users.askerOf(connection), (result) =>
              done(result instanceof KvError ? encodeAdminError(id, result) : result),
            ),
          );
        case "getSettings":
          return later(connection, (done) =>
            askSettings(this.#context, (settings) =>
              done(this.#told(connection, request, settings)),
            ),
          );
        default:
          return reply(this.#carryOut(request));
      }
    } catch (error) {
      if (error instanceof KvError) return reply(encodeAdminError(id, error));
      throw error;
    }
  }

  /** A user may have lost rights while the node asked for a quorum and heard none. */
  #told(
    connection: AdminConnection,
    request: SettingsQuestion,
    settings: AdminResult<"getSettings">,
  ): Uint8Array {
    const { id, op } = request;
    try {
      this.#users.mayBeTold(connection, request);
      return encodeAdminResult(id, op, settings);
    } catch (error) {
      if (error instanceof KvError) return encodeAdminError(id, error);
      throw error;
    }
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

  #carryOut({
    id,
    op,
    params,
  }: Exclude<
    AdminRequest,
    BackupRequest | SettingRequest | SettingsQuestion | UserRequest
  >): Uint8Array {
    const { logger } = this.#context.machine;
    switch (op) {
      case "status":
        return encodeAdminResult(id, op, this.#statusNow());
      case "getLinks":
        return encodeAdminResult(id, op, this.#links());
      case "breakLink":
        this.#setFault(params.peer, params.direction, BROKEN);
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
        const { peer, direction } = params;
        const fault = linkFault(params);
        this.#setFault(peer, direction, fault);
        logger.info("link fault set", { peer, direction, ...fault });
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
      case "getAccess":
        return encodeAdminResult(
          id,
          op,
          accessOf(this.#context.replica.state.access, params.from ?? 0),
        );
      case "getHistory":
        return encodeAdminResult(id, op, historyOf(this.#context.replica.state));
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
        links.setFault(peer, [direction], linkFault(named ?? NO_FAULT));
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

  /** The links as they are now: a manager may just have changed them. */
  #links(): { links: AdminLink[] } {
    this.#status = null;
    return { links: this.#context.linkStatus() };
  }
}

/** @param begin calls `done` once, perhaps at once: then it is the reply */
function later(
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

function reply(frame: Uint8Array): AdminReply {
  return { frame, work: frame.length };
}
