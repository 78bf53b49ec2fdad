/**
 * Backups that managers take of this node while it serves.
 *
 * Invariants:
 *   PIECES-1. A backup is the state at one index, and holds every write that was acknowledged before the manager asked for it.
 *   PIECES-2. There is one at a time. The node holds its state as it was, which costs memory. It lets the state go with the connection,
 *       when the manager asks for no next piece for IDLE_MS, when it asks for less than BYTES_PER_MS_MIN on the whole, and when the node's
 *       memory becomes short. So no manager holds it for ever, or keeps others from theirs.
 *   PIECES-3. The node makes a piece when the manager asks for it: what waits for a slow reader is bounded as all answers are.
 */
import { KvError } from "../../base/index.ts";
import type { FrozenState } from "../../store/index.ts";
import type { AdminResult } from "../../protocol/admin/index.ts";
import { atConfirmedMoment } from "./confirmed-moment.ts";
import type { GatewayContext } from "./context.ts";

/** A millisecond or two to make. */
const PIECE_BYTES = 128 * 1024;
const IDLE_MS = 30_000;
/** 16 kB a second. */
const BYTES_PER_MS_MIN = 16;

interface Running<Owner> {
  readonly id: number;
  readonly owner: Owner;
  readonly begunMs: number;
  pieces: Iterator<Uint8Array> | null;
  nextPiece: number;
  bytes: number;
  askedMs: number;
  callOff: () => void;
}

/** @typeParam Owner a connection: it is only compared */
export class Backups<Owner extends object> {
  readonly #context: GatewayContext;
  #running: Running<Owner> | null = null;
  #lastId = 0;
  /** The last backup that did not come to its end, and why. */
  #givenUp = { id: 0, why: "" };

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  /**
   * @param done called once, later: with the description of the backup, or the error that prevented it
   * @throws KvError OVERLOADED when there is one already, or memory is short
   */
  begin(owner: Owner, done: (result: AdminResult<"beginBackup"> | KvError) => void): void {
    const { replica, machine, options } = this.#context;
    const { nodeId } = options;
    // A manager that begins anew does not want its earlier backup any more.
    if (this.#running?.owner === owner) this.#end("another one was begun");
    if (this.#running !== null) {
      const text = `a backup of node ${nodeId} is being made already, and there is one at a time: try again later, or ask another node`;
      throw new KvError("OVERLOADED", text);
    }
    if (replica.space.isCritical) throw this.#shortOfMemory();
    const nowMs = machine.clock.now();
    const running: Running<Owner> = {
      id: ++this.#lastId,
      owner,
      begunMs: nowMs,
      askedMs: nowMs,
      pieces: null,
      nextPiece: 0,
      bytes: 0,
      callOff: () => {},
    };
    this.#running = running;
    running.callOff = atConfirmedMoment(replica, (error) => {
      if (error !== null) {
        this.#running = null;
        return done(error);
      }
      done(this.#opened(running, replica.state.clone(), replica.state.hash()));
    });
    this.#context.wake();
  }

  /** @throws KvError BAD_REQUEST; OVERLOADED or CANCELLED when it is or was given up */
  read(owner: Owner, id: number, piece: number): AdminResult<"readBackup"> {
    const running = this.#running;
    if (running === null || running.owner !== owner || running.id !== id) {
      const { why } = this.#givenUp;
      if (id === this.#givenUp.id)
        throw new KvError("CANCELLED", `the backup was given up: ${why}`);
      throw new KvError("BAD_REQUEST", `there is no backup ${id} on this connection`);
    }
    if (running.pieces === null || piece !== running.nextPiece) {
      const text = `piece ${piece} of the backup was asked for, the next one is ${running.nextPiece}`;
      throw new KvError("BAD_REQUEST", text);
    }
    if (this.#context.replica.space.isCritical) {
      const error = this.#shortOfMemory();
      this.#end(error.message);
      throw error;
    }
    const { clock, logger } = this.#context.machine;
    running.askedMs = clock.now();
    running.nextPiece += 1;
    const next = running.pieces.next();
    if (next.done !== true) {
      running.bytes += next.value.length;
      return { bytes: next.value, last: false };
    }
    this.#running = null;
    const ms = Math.round(clock.now() - running.begunMs);
    logger.info("a backup was taken", { bytes: running.bytes, ms });
    return { bytes: new Uint8Array(0), last: true };
  }

  ownerEnded(owner: Owner): void {
    if (this.#running?.owner === owner) this.#end("its connection ended");
  }

  tick(): void {
    const running = this.#running;
    if (running === null) return;
    const nowMs = this.#context.machine.clock.now();
    const idleMs = nowMs - running.askedMs;
    if (idleMs > IDLE_MS) {
      this.#end(`nobody asked for its next piece for ${Math.round(idleMs / 1000)} seconds`);
    } else if (nowMs - running.begunMs > IDLE_MS + running.bytes / BYTES_PER_MS_MIN) {
      this.#end(`less than ${BYTES_PER_MS_MIN} kB a second were asked for`);
    }
  }

  #opened(
    running: Running<Owner>,
    state: FrozenState,
    stateHash: string,
  ): AdminResult<"beginBackup"> {
    const { options, machine } = this.#context;
    const { clusterId, nodeId, version } = options;
    running.pieces = state.asBackup().encodeSnapshot(PIECE_BYTES);
    running.askedMs = machine.clock.now();
    const { appliedIdx, revision, size } = state;
    machine.logger.info("a backup begins", { appliedIdx, revision, keys: size });
    return {
      backup: running.id,
      clusterId,
      nodeId,
      version,
      appliedIdx,
      revision,
      keys: size,
      stateHash,
    };
  }

  #end(why: string): void {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#givenUp = { id: running.id, why };
    running.callOff();
    this.#context.machine.logger.warn("a backup was given up", {
      reason: why,
      bytes: running.bytes,
    });
  }

  #shortOfMemory(): KvError {
    const text = `node ${this.#context.options.nodeId} is short of memory, and a backup takes some: ask another node`;
    return new KvError("OVERLOADED", text);
  }
}
