/** Management connections: one request a frame, one answer a frame, in order. */
import { unreachable } from "../base/assert.ts";
import { KvError } from "../base/errors.ts";
import { acceptWithHandshake } from "../links/handshake-connection.ts";
import { DIRECTIONS, NO_FAULT, type Direction, type LinkFault } from "../links/drop-table.ts";
import type { PeerLinks } from "../links/peer-links.ts";
import type { Connection, ConnectionHandlers } from "../ports/network.ts";
import {
  AdminRequestError,
  decodeAdminRequest,
  encodeAdminError,
  encodeAdminResult,
  type AdminLink,
  type AdminParams,
  type AdminRequest,
  type AdminStatus,
  type LinkDirection,
} from "../wire/admin.ts";
import { listKeys } from "./list-keys.ts";
import { clientHello, type GatewayContext } from "./context.ts";

const HANDSHAKE_TIMEOUT_MS = 5000;
const CONNECTIONS_MAX = 100;

export interface AdminContext extends GatewayContext {
  readonly links: PeerLinks;
  readonly status: () => AdminStatus;
  readonly forgetPeer: (peer: number) => void;
}

export class AdminGateway {
  readonly #context: AdminContext;
  readonly #connections = new Set<Connection>();
  #stopped = false;

  constructor(context: AdminContext) {
    this.#context = context;
  }

  accept(connection: Connection): ConnectionHandlers {
    const { options, machine } = this.#context;
    if (this.#stopped || this.#connections.size >= CONNECTIONS_MAX) {
      connection.close(this.#stopped ? "node stops" : "too many management connections");
      return { onFrame: () => {}, onClose: () => {} };
    }
    this.#connections.add(connection);
    return acceptWithHandshake(connection, {
      clock: machine.clock,
      random: machine.random,
      timeoutMs: HANDSHAKE_TIMEOUT_MS,
      handshake: { self: clientHello(options, "admin"), secret: options.secret },
      established: () => ({
        onFrame: (frame) => this.#onFrame(connection, frame),
        onClose: () => this.#connections.delete(connection),
      }),
      failed: (failure) => {
        this.#connections.delete(connection);
        if (failure.kind === "ended") return;
        machine.logger.warn("management refused", {
          remote: connection.remote,
          code: failure.code,
          reason: failure.text,
        });
      },
    });
  }

  stop(reason: string): void {
    this.#stopped = true;
    for (const connection of this.#connections) connection.close(reason);
  }

  #onFrame(connection: Connection, frame: Uint8Array): void {
    try {
      const request = decodeAdminRequest(frame);
      connection.send(this.#answer(request));
    } catch (error) {
      if (!(error instanceof AdminRequestError)) throw error;
      this.#context.machine.logger.warn("malformed management request", {
        remote: connection.remote,
        reason: error.message,
      });
      if (error.id === null) connection.close(`malformed request: ${error.message}`);
      else connection.send(encodeAdminError(error.id, new KvError("BAD_REQUEST", error.message)));
    }
  }

  #answer(request: AdminRequest): Uint8Array {
    try {
      return this.#carryOut(request);
    } catch (error) {
      if (error instanceof KvError) return encodeAdminError(request.id, error);
      throw error;
    }
  }

  #carryOut({ id, op, params }: AdminRequest): Uint8Array {
    const { status, forgetPeer, machine } = this.#context;
    switch (op) {
      case "status":
        return encodeAdminResult(id, op, status());
      case "getLinks":
        return encodeAdminResult(id, op, this.#links());
      case "breakLink":
        this.#setFault(params.peer, params.direction, { dropPermille: 1000, delayMs: 0 });
        machine.logger.info("link broken on purpose", {
          peer: params.peer,
          direction: params.direction,
        });
        return encodeAdminResult(id, op, this.#links());
      case "restoreLink":
        this.#setFault(params.peer, params.direction, NO_FAULT);
        machine.logger.info("link restored", { peer: params.peer, direction: params.direction });
        return encodeAdminResult(id, op, this.#links());
      case "setFault": {
        const { peer, direction, dropPermille, delayMs } = params;
        this.#setFault(peer, direction, { dropPermille, delayMs });
        machine.logger.info("link fault set", { peer, direction, dropPermille, delayMs });
        return encodeAdminResult(id, op, this.#links());
      }
      case "setFaults":
        this.#setFaults(params.faults);
        machine.logger.info("link faults set", { faults: params.faults.length });
        return encodeAdminResult(id, op, this.#links());
      case "heal":
        this.#setFaults([]);
        machine.logger.info("all links restored");
        return encodeAdminResult(id, op, this.#links());
      case "listKeys":
        return encodeAdminResult(id, op, listKeys(this.#context.replica.state, params));
      case "forgetPeer":
        this.#knownPeer(params.peer);
        forgetPeer(params.peer);
        machine.logger.warn(
          "a peer's data directory is forgotten: the next one it brings is accepted",
          {
            peer: params.peer,
          },
        );
        return encodeAdminResult(id, op, {});
      case "setQuota":
        this.#context.replica.setQuota(params.bytes);
        this.#context.wake();
        machine.logger.warn("a quota for the state was proposed", { bytes: params.bytes });
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

  #links(): { links: AdminLink[] } {
    return { links: this.#context.status().links };
  }
}
