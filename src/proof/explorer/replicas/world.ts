/** A cluster of real replicas and its clients in memory, moved one step at a time, and watched. */
import { unreachable } from "../../../base/index.ts";
import type { NodeId } from "../../../omnipaxos/index.ts";
import { errorText } from "../error-text.ts";
import { ClientProcess, type Acknowledged } from "./client.ts";
import { LogModel } from "./log-model.ts";
import { MemoryNode } from "./memory-node.ts";
import { Sessions } from "./network.ts";
import type { ReplicaSetup, ReplicaStep } from "./steps.ts";

type NodeStepKind = "turn" | "persist" | "tick" | "lead" | "snapshot" | "load" | "received";

/** Ticks of calm, twice, at the beginning: node 1 leads then, and all nodes have heard of it. */
const BEGIN_TICKS = 4;
/** One calm tick takes at most so many steps: a cluster that finds no rest has something wrong with it. */
const CALM_STEPS_MAX = 20_000;

export class ReplicaWorld {
  readonly setup: ReplicaSetup;
  readonly sessions = new Sessions();
  readonly pids: readonly NodeId[];
  readonly log = new LogModel();
  readonly #nodes = new Map<NodeId, MemoryNode>();
  readonly #clients: (ClientProcess | null)[];
  readonly #acknowledged: Acknowledged = { revisions: new Map(), refused: [] };
  #frames: { readonly process: ClientProcess; readonly frame: Uint8Array }[] = [];
  #processes = 0;
  #refusedChecked = 0;
  #problem: string | null = null;

  constructor(setup: ReplicaSetup) {
    this.setup = setup;
    this.pids = Array.from({ length: setup.nodes }, (_, index) => index + 1);
    this.#clients = Array.from({ length: setup.clients }, () => null);
    for (const pid of this.pids) {
      const node = new MemoryNode(pid, setup, (to, message) =>
        this.sessions.send(pid, to, message),
      );
      this.#nodes.set(pid, node);
    }
    for (const a of this.pids) for (const b of this.pids) if (a < b) this.#connect(a, b);
    // The election finds a leader; after the change each node has promised somebody else before, as in a cluster of some age.
    this.go({ do: "calm", nodes: this.pids, ticks: BEGIN_TICKS });
    this.go({ do: "lead", node: 1 });
    this.go({ do: "calm", nodes: this.pids, ticks: BEGIN_TICKS });
  }

  /** What is wrong; null: nothing so far. */
  get problem(): string | null {
    return this.#problem;
  }

  node(pid: NodeId): MemoryNode {
    const node = this.#nodes.get(pid);
    if (node === undefined) throw new RangeError(`no node ${pid}`);
    return node;
  }

  /** The present process of a client; null before the first one. */
  client(client: number): ClientProcess | null {
    return this.#clients[client] ?? null;
  }

  /** @returns false when the step is impossible here: nothing has happened */
  go(step: ReplicaStep): boolean {
    try {
      return this.#go(step);
    } catch (error) {
      this.#problem ??= errorText(error);
      return true;
    }
  }

  #go(step: ReplicaStep): boolean {
    switch (step.do) {
      case "deliver":
      case "deliverHeartbeat":
        return this.#deliver(step.from, step.to, step.do === "deliverHeartbeat");
      case "cut":
        return this.#cut(step.a, step.b);
      case "connect":
        return this.#connect(step.a, step.b);
      case "calm":
        this.#calm(new Set(step.nodes), step.ticks);
        return true;
      case "restart":
        return this.#restart(step.node, step.durable);
      case "client":
      case "move":
      case "write":
      case "read":
        return this.#client(step);
      case "turn":
      case "persist":
      case "tick":
      case "lead":
      case "snapshot":
      case "load":
      case "received":
        return this.#nodeStep(step.do, this.node(step.node));
      default:
        return unreachable(step, "step");
    }
  }

  #nodeStep(kind: NodeStepKind, node: MemoryNode): boolean {
    const done = this.#doNodeStep(kind, node);
    if (done) this.#look(node);
    return done;
  }

  #doNodeStep(kind: NodeStepKind, node: MemoryNode): boolean {
    switch (kind) {
      case "turn":
        if (!node.isAwake) return false;
        node.turn();
        return true;
      case "persist":
        if (node.staged === 0) return false;
        node.persist();
        return true;
      case "tick":
        node.tick();
        return true;
      case "lead":
        node.replica.core.tryBecomeLeader();
        node.wake();
        return true;
      case "snapshot":
        return node.writeSnapshot();
      case "load":
        if (!node.wantsLoad) return false;
        node.load();
        return true;
      case "received":
        if (!node.isReceiving) return false;
        node.finishReceived();
        return true;
      default:
        return unreachable(kind, "step");
    }
  }

  #client(step: Extract<ReplicaStep, { readonly client: number }>): boolean {
    const known = this.client(step.client);
    switch (step.do) {
      case "client": {
        known?.disconnect();
        const process: ClientProcess = new ClientProcess(++this.#processes, (frame) =>
          this.#frames.push({ process, frame }),
        );
        this.#clients[step.client] = process;
        process.connect(this.node(step.node));
        return true;
      }
      case "move":
        if (known === null) return false;
        known.connect(this.node(step.node));
        return true;
      case "write":
        if (known === null || !known.isConnected || !known.hasSession) return false;
        known.write(step.key);
        return true;
      case "read":
        if (known === null || !known.isConnected) return false;
        known.read(step.key, this.#acknowledged);
        return true;
      default:
        return unreachable(step, "step");
    }
  }

  #deliver(from: NodeId, to: NodeId, heartbeat: boolean): boolean {
    const message = this.sessions.take(from, to, heartbeat);
    if (message === undefined) return false;
    const node = this.node(to);
    node.receive(from, message);
    this.#look(node);
    return true;
  }

  #connect(a: NodeId, b: NodeId): boolean {
    if (this.sessions.isOpen(a, b)) return false;
    this.sessions.open(a, b);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.node(one).replica.onSession(other);
      this.node(one).wake();
    }
    return true;
  }

  #cut(a: NodeId, b: NodeId): boolean {
    if (!this.sessions.isOpen(a, b)) return false;
    this.sessions.close(a, b);
    this.node(a).replica.onSessionEnd(b);
    this.node(b).replica.onSessionEnd(a);
    return true;
  }

  #restart(pid: NodeId, durable: number): boolean {
    const node = this.node(pid);
    for (const peer of this.pids) {
      if (!this.sessions.isOpen(pid, peer)) continue;
      this.sessions.close(pid, peer);
      this.node(peer).replica.onSessionEnd(pid);
    }
    node.restart(Math.min(durable, node.staged));
    this.#look(node);
    return true;
  }

  #calm(among: ReadonlySet<NodeId>, ticks: number): void {
    for (let tick = 0; tick < ticks && this.#problem === null; tick++) {
      for (const pid of among) this.#nodeStep("tick", this.node(pid));
      for (let steps = 0; this.#calmStep(among); steps++) {
        if (steps > CALM_STEPS_MAX) throw new Error("the nodes find no rest");
        if (this.#problem !== null) return;
      }
    }
  }

  /** @returns whether there was anything to do */
  #calmStep(among: ReadonlySet<NodeId>): boolean {
    let busy = false;
    for (const heartbeat of [true, false]) {
      for (const { from, to } of this.sessions.busy(heartbeat)) {
        if (!among.has(from) || !among.has(to)) continue;
        busy = this.#deliver(from, to, heartbeat) || busy;
      }
    }
    for (const pid of among) {
      const node = this.node(pid);
      for (const kind of ["turn", "persist", "snapshot", "received", "load"] as const) {
        busy = this.#nodeStep(kind, node) || busy;
      }
    }
    return busy;
  }

  /**
   * Looks at what a step of this node may have changed: what it has decided, its state, the answers that left. Before the
   * next step, which may put a snapshot in the place of the log.
   */
  #look(node: MemoryNode): void {
    const { core, state } = node.replica;
    core.checkInvariants();
    for (; node.checkedIdx < core.decidedIdx; node.checkedIdx++) {
      const entry = core.entryAt(node.checkedIdx);
      if (entry !== undefined) this.#judge(node, this.log.decided(node.checkedIdx, entry));
    }
    if (node.checkedState !== state.appliedIdx) {
      node.checkedState = state.appliedIdx;
      this.#judge(node, this.log.state(state.appliedIdx, state.revision, state.hash()));
    }
    const frames = this.#frames;
    if (frames.length > 0) this.#frames = [];
    for (const { process, frame } of frames) {
      this.#problem ??= process.answered(frame, this.log, this.#acknowledged);
    }
    this.#lookAtRefused();
  }

  #judge({ pid }: MemoryNode, problem: string | null): void {
    if (problem !== null) this.#problem ??= `node ${pid}: ${problem}`;
  }

  #lookAtRefused(): void {
    const { changes } = this.log;
    const { refused } = this.#acknowledged;
    if (changes.length === this.#refusedChecked) return;
    this.#refusedChecked = changes.length;
    for (const { session, sequence } of refused) {
      if (!this.log.tookEffect(session, sequence)) continue;
      this.#problem ??= `write ${sequence} of session ${session} took effect although it was refused`;
    }
  }
}
