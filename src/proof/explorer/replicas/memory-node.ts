/** A replica with its host in memory: the rules of src/server/node, each of its doings a step of its own. */
import { assert } from "../../../base/index.ts";
import { KvState } from "../../../store/index.ts";
import type { NodeId, Outgoing } from "../../../omnipaxos/index.ts";
import {
  DEFAULT_COMPACTION,
  type DueSnapshot,
  Replica,
  type ReplicaOptions,
} from "../../../replica/index.ts";
import type { SnapshotName } from "../../../protocol/messages/index.ts";
import type { PeerMessage } from "../../../protocol/peer/index.ts";
import { MemoryDisk } from "../memory-disk.ts";
import { isHeartbeat } from "./network.ts";
import { MemorySnapshots } from "./snapshots.ts";
import type { ReplicaSetup } from "./steps.ts";

type Held = Outgoing<Uint8Array, SnapshotName>;
type Send = (to: NodeId, message: PeerMessage) => void;

/** Short, so that few ticks do much. */
const TIMING = { waitTicks: 60, relayAfterTicks: 2, abandonTicks: 600, agreeTicks: 5 };
const ELECTION_TICKS = 2;
const PLENTY = 1 << 24;

export class MemoryNode {
  readonly pid: NodeId;
  readonly #setup: ReplicaSetup;
  readonly #send: Send;
  readonly #snapshots = new MemorySnapshots();
  #disk: MemoryDisk<Uint8Array, SnapshotName>;
  #replica: Replica;
  #held: Held[] = [];
  #heldHeartbeats: Held[] = [];
  #durableSeq = 0;
  #boot = 1;
  #awake = true;
  #load: SnapshotName | null = null;
  /** To be written. */
  #due: DueSnapshot | null = null;
  /** Entries of the decided log that were looked at in this life. */
  checkedIdx = 0;
  /** The state that was looked at last. */
  checkedState = -1;

  constructor(pid: NodeId, setup: ReplicaSetup, send: Send) {
    this.pid = pid;
    this.#setup = setup;
    this.#send = send;
    this.#disk = new MemoryDisk<Uint8Array, SnapshotName>(undefined);
    this.#replica = this.#start();
  }

  get replica(): Replica {
    return this.#replica;
  }

  /** Counts the starts. */
  get boot(): number {
    return this.#boot;
  }

  get isAwake(): boolean {
    return this.#awake;
  }

  get staged(): number {
    return this.#disk.staged.length;
  }

  get wantsLoad(): boolean {
    return this.#load !== null;
  }

  get isReceiving(): boolean {
    return this.#snapshots.isFinishing;
  }

  wake(): void {
    this.#awake = true;
  }

  receive(from: NodeId, message: PeerMessage): void {
    this.#replica.onPeerMessage(from, message);
    this.#awake = true;
  }

  tick(): void {
    this.#replica.onTick();
    this.#awake = true;
  }

  turn(): void {
    this.#awake = false;
    const effects = this.#replica.endTurn(0);
    const { contradiction } = effects;
    for (const { route, frame } of effects.answers) if (route.isOpen()) route.deliver(frame);
    assert(contradiction === null, `node ${this.pid} reports ${JSON.stringify(contradiction)}`);
    this.#disk.stage(effects.writes);
    for (const piece of effects.pieces) this.#send(piece.to, this.#snapshots.serve(piece));
    for (const outgoing of effects.messages) {
      (isHeartbeat(outgoing.message) ? this.#heldHeartbeats : this.#held).push(outgoing);
    }
    this.#release();
    for (const { to, message } of effects.replicaMessages) this.#send(to, message);
    for (const piece of effects.received) {
      this.#snapshots.receive(piece);
      this.#replica.snapshots.piecesKept(piece.snapshot, piece.offset + piece.bytes.length);
    }
    this.#load = effects.load;
    this.#due ??= effects.snapshot;
    if (effects.again) this.#awake = true;
  }

  persist(): void {
    const seq = this.#disk.sync();
    if (seq === null) return;
    this.#durableSeq = seq;
    this.#release();
    this.#replica.onPersisted(seq);
    this.#awake = true;
  }

  /** @returns whether one was due */
  writeSnapshot(): boolean {
    const due = this.#due;
    if (due === null) return false;
    this.#due = null;
    this.#replica.snapshots.end(this.#snapshots.write(due.idx, due.state));
    this.#awake = true;
    return true;
  }

  finishReceived(): void {
    const received = this.#snapshots.finishReceived();
    if (received === null) return;
    const { name, isSound } = received;
    if (isSound) this.#replica.snapshots.kept(name);
    else this.#replica.snapshots.notKept(name, false);
    this.#awake = true;
  }

  load(): void {
    if (this.#load === null) return;
    this.#replica.install(this.#snapshots.load(this.#load));
    this.#awake = true;
  }

  /** A crash that keeps the oldest `durable` of the staged groups, and the next start. */
  restart(durable: number): void {
    for (let i = 0; i < durable; i++) this.#disk.sync();
    this.#disk = new MemoryDisk(this.#disk.found);
    this.#snapshots.crash();
    this.#boot += 1;
    this.#held = [];
    this.#heldHeartbeats = [];
    this.#durableSeq = 0;
    this.#load = null;
    this.#due = null;
    this.#awake = true;
    this.checkedIdx = 0;
    this.checkedState = -1;
    this.#replica = this.#start();
  }

  #start(): Replica {
    const { found } = this.#disk;
    const stored = found?.snapshot ?? null;
    const state = stored === null ? new KvState() : this.#snapshots.load(stored.value);
    return new Replica(this.#options(), found, state);
  }

  #options(): ReplicaOptions {
    const { nodes, snapshotEntries, retryTicks } = this.#setup;
    const { pid } = this;
    const entriesMax = snapshotEntries === 0 ? PLENTY : snapshotEntries;
    return {
      core: {
        clusterConfig: {
          configurationId: 1,
          nodes: Array.from({ length: nodes }, (_, index) => index + 1),
        },
        pid,
        electionTickTimeout: ELECTION_TICKS,
        resendMessageTickTimeout: retryTicks,
        // As random numbers would be: never the same twice.
        incarnation: 1000 * pid + this.#boot,
      },
      timing: { ...TIMING, retryTicks },
      compaction: { ...DEFAULT_COMPACTION, entriesMax, retainedEntries: 1 },
      proposalBytesMax: PLENTY,
      proposalCommandsMax: PLENTY,
      readsMax: PLENTY,
      readBytesMax: PLENTY,
    };
  }

  #release(): void {
    this.#heldHeartbeats = this.#released(this.#heldHeartbeats, false);
    this.#held = this.#released(this.#held, true);
  }

  #released(held: readonly Held[], inOrder: boolean): Held[] {
    const waiting: Held[] = [];
    for (const outgoing of held) {
      const blocked = inOrder && waiting.some(({ to }) => to === outgoing.to);
      if (blocked || outgoing.after > this.#durableSeq) waiting.push(outgoing);
      else this.#send(outgoing.to, outgoing.message);
    }
    return waiting;
  }
}
