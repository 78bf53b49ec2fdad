/** Random walks of a cluster of replicas: at each step one of the things that are possible there. */
import type { NodeId } from "../../../omnipaxos/index.ts";
import { Dice } from "../random.ts";
import { shrinkSteps } from "../shrink.ts";
import type { WalkLimits, WalkResult } from "../core/walks.ts";
import type { ReplicaSetup, ReplicaStep } from "./steps.ts";
import { ReplicaWorld } from "./world.ts";

export interface ReplicaWalkResult extends WalkResult<ReplicaStep> {
  /** The setup of the walk that found it. */
  readonly setup: ReplicaSetup | null;
}

type Kind = ReplicaStep["do"];

/** How likely each kind is next to the others; every walk takes some more, some less, and does without some. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  deliver: 20,
  deliverHeartbeat: 3,
  turn: 12,
  persist: 6,
  tick: 3,
  lead: 1,
  restart: 1.5,
  cut: 1.5,
  connect: 3,
  snapshot: 0.5,
  load: 2,
  received: 2,
  calm: 8,
  client: 3,
  move: 1,
  write: 4,
  read: 6,
};
/** Without these a walk leads nowhere. */
const ALWAYS: ReadonlySet<Kind> = new Set(["deliver", "turn", "persist", "connect", "calm"]);
const FACTORS = [0, 0.3, 1, 1, 3];
/** Requests of a client that may wait for an answer. */
const WAITING_MAX = 4;
const CALM_TICKS_MAX = 6;

/** @param sizes numbers of nodes to draw from */
export function walkReplicas(
  sizes: readonly number[],
  limits: WalkLimits,
  now: () => number,
): ReplicaWalkResult {
  const started = now();
  let steps = 0;
  let passedOver = 0;
  const counts = (walks: number) => ({
    walks,
    steps,
    passedOver,
    seconds: (now() - started) / 1000,
  });
  const nothing = { walk: null, violation: null, setup: null };
  for (let number = 0; number < limits.walks; number++) {
    if (now() - started > limits.seconds * 1000) {
      return { ...counts(number), ...nothing, ended: "seconds" };
    }
    const dice = new Dice(limits.seed, number);
    const setup = drawSetup(sizes, dice);
    const world = new ReplicaWorld(setup);
    const gone = oneWalk(world, dice, limits.depth);
    steps += gone.length;
    const { problem } = world;
    if (problem === null) continue;
    if (!problem.includes(limits.only)) {
      passedOver += 1;
      continue;
    }
    const found = counts(number + 1);
    const violation = shrinkReplicas(setup, gone, problem);
    return { ...found, ended: "violation", walk: number, violation, setup };
  }
  return { ...counts(limits.walks), ...nothing, ended: "all" };
}

function drawSetup(sizes: readonly number[], dice: Dice): ReplicaSetup {
  return {
    nodes: dice.pick(sizes),
    snapshotEntries: dice.chance(0.4) ? 2 + dice.below(4) : 0,
    clients: 2 + dice.below(3),
    keys: 1 + dice.below(3),
    retryTicks: dice.chance(0.5) ? 4 : 12,
  };
}

/** @returns the steps taken, up to the first that shows something wrong */
function oneWalk(world: ReplicaWorld, dice: Dice, depth: number): ReplicaStep[] {
  const weights = swarm(dice);
  const chooser = new Chooser(world, dice);
  const gone: ReplicaStep[] = [];
  // Something to read for everybody, as a rule.
  for (const step of dice.chance(0.8) ? chooser.beginning() : []) {
    if (world.go(step)) gone.push(step);
  }
  while (gone.length < depth && world.problem === null) {
    for (const step of chooser.choose(weights)) {
      if (world.problem === null && world.go(step)) gone.push(step);
    }
  }
  return gone;
}

function swarm(dice: Dice): Record<Kind, number> {
  const weights = { ...WEIGHTS };
  for (const kind of Object.keys(WEIGHTS) as Kind[]) {
    const factors = ALWAYS.has(kind) ? FACTORS.slice(1) : FACTORS;
    weights[kind] *= dice.pick(factors);
  }
  return weights;
}

class Chooser {
  readonly #world: ReplicaWorld;
  readonly #dice: Dice;
  /** Directed links on which messages are late in this walk. */
  readonly #late: ReadonlySet<string>;
  /** Where most happens in this walk; null: everywhere alike. */
  readonly #focus: NodeId | null;

  constructor(world: ReplicaWorld, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    const late = new Set<string>();
    for (const from of world.pids) {
      for (const to of world.pids) if (dice.chance(0.15)) late.add(`${from}>${to}`);
    }
    this.#late = late;
    this.#focus = dice.chance(0.75) ? dice.pick(world.pids) : null;
  }

  /** Each client opens its session, and each key is written once. */
  *beginning(): Generator<ReplicaStep> {
    const { setup, pids } = this.#world;
    for (let client = 0; client < setup.clients; client++) {
      yield { do: "client", client, node: this.#node() };
    }
    yield { do: "calm", nodes: pids, ticks: 1 };
    for (let key = 0; key < setup.keys; key++) {
      yield { do: "write", client: this.#dice.below(setup.clients), key: `k${key}` };
    }
    yield { do: "calm", nodes: pids, ticks: 1 };
  }

  /** One of the steps that are possible, as a rule with what is usually next; none when the kind drawn has none. */
  choose(weights: Readonly<Record<Kind, number>>): readonly ReplicaStep[] {
    const kinds = Object.keys(weights) as Kind[];
    const kind = kinds[this.#dice.weighted(kinds.map((each) => weights[each]))];
    const step = kind === undefined ? null : this.#draw(kind);
    if (step === null) return [];
    return this.#dice.chance(0.3) ? [step] : [step, ...this.#next(step)];
  }

  /** Steps that are impossible by then are left out. */
  #next(step: ReplicaStep): readonly ReplicaStep[] {
    switch (step.do) {
      case "deliver": {
        const { from, to } = step;
        const more = Array.from({ length: this.#dice.below(4) }, () => step);
        return [...more, { do: "turn", node: to }, ...this.#answer(from, to)];
      }
      case "deliverHeartbeat":
        return [{ do: "turn", node: step.to }];
      case "tick":
      case "lead":
      case "persist":
        return [{ do: "turn", node: step.node }];
      case "restart":
        return this.#world.pids
          .filter((peer) => peer !== step.node && this.#dice.chance(0.6))
          .map((peer) => ({
            do: "connect",
            a: Math.min(peer, step.node),
            b: Math.max(peer, step.node),
          }));
      case "read":
      case "write": {
        const node = this.#world.client(step.client)?.nodeId;
        return node === undefined ? [] : [{ do: "turn", node }];
      }
      case "client":
        return [{ do: "read", client: step.client, key: this.#key() }];
      default:
        return [];
    }
  }

  /** Sometimes the answer comes back at once. */
  #answer(from: NodeId, to: NodeId): readonly ReplicaStep[] {
    if (!this.#dice.chance(0.3)) return [];
    return [
      { do: "persist", node: to },
      { do: "turn", node: to },
      { do: "deliver", from: to, to: from },
      { do: "turn", node: from },
    ];
  }

  #draw(kind: Kind): ReplicaStep | null {
    const world = this.#world;
    const dice = this.#dice;
    switch (kind) {
      case "deliver":
      case "deliverHeartbeat":
        return this.#message(kind);
      case "turn":
        return this.#nodeStep(kind, (node) => world.node(node).isAwake);
      case "persist":
        return this.#nodeStep(kind, (node) => world.node(node).staged > 0);
      case "load":
        return this.#nodeStep(kind, (node) => world.node(node).wantsLoad);
      case "received":
        return this.#nodeStep(kind, (node) => world.node(node).isReceiving);
      case "tick":
      case "snapshot":
        return { do: kind, node: this.#node() };
      case "lead":
        return { do: kind, node: dice.pick(world.pids) };
      case "restart": {
        const node = this.#node();
        return { do: kind, node, durable: dice.below(world.node(node).staged + 1) };
      }
      case "cut":
      case "connect":
        return this.#pair(kind);
      case "calm":
        return { do: kind, nodes: this.#some(), ticks: 1 + dice.below(CALM_TICKS_MAX) };
      case "client":
      case "move":
        return { do: kind, client: this.#client(), node: this.#node() };
      case "write":
      case "read": {
        const client = this.#client();
        const waiting = world.client(client)?.waiting ?? 0;
        if (waiting >= WAITING_MAX) return null;
        return { do: kind, client, key: this.#key() };
      }
      default:
        return null;
    }
  }

  #message(kind: "deliver" | "deliverHeartbeat"): ReplicaStep | null {
    const wires = this.#world.sessions.busy(kind === "deliverHeartbeat");
    const weights = wires.map(({ from, to }) => (this.#late.has(`${from}>${to}`) ? 0.05 : 1));
    const wire = wires[this.#dice.weighted(weights)];
    return wire === undefined ? null : { do: kind, from: wire.from, to: wire.to };
  }

  #nodeStep(
    kind: "turn" | "persist" | "load" | "received",
    isPossible: (node: NodeId) => boolean,
  ): ReplicaStep | null {
    const nodes = this.#world.pids.filter(isPossible);
    return nodes.length === 0 ? null : { do: kind, node: this.#dice.pick(nodes) };
  }

  #pair(kind: "cut" | "connect"): ReplicaStep | null {
    const { pids, sessions } = this.#world;
    const pairs = pids.flatMap((a) => pids.filter((b) => a < b).map((b) => ({ a, b })));
    const open = pairs.filter(({ a, b }) => sessions.isOpen(a, b) === (kind === "cut"));
    const focused = open.filter(({ a, b }) => a === this.#focus || b === this.#focus);
    const fitting = focused.length > 0 && this.#dice.chance(0.6) ? focused : open;
    return fitting.length === 0 ? null : { do: kind, ...this.#dice.pick(fitting) };
  }

  /** All nodes; all but the one in focus, so that what is meant for it stays under way; it and one other; or any. */
  #some(): readonly NodeId[] {
    const { pids } = this.#world;
    const focus = this.#focus ?? this.#node();
    switch (this.#dice.below(4)) {
      case 0:
        return pids;
      case 1:
        return pids.filter((pid) => pid !== focus);
      case 2:
        return [focus, this.#dice.pick(pids.filter((pid) => pid !== focus))];
      default: {
        const some = pids.filter(() => this.#dice.chance(0.6));
        return some.length === 0 ? pids : some;
      }
    }
  }

  #node(): NodeId {
    if (this.#focus !== null && this.#dice.chance(0.55)) return this.#focus;
    return this.#dice.pick(this.#world.pids);
  }

  #key(): string {
    return `k${this.#dice.below(this.#world.setup.keys)}`;
  }

  #client(): number {
    return this.#dice.below(this.#world.setup.clients);
  }
}

/** Goes through steps in a world of its own; what is impossible when its turn comes is left out. */
export function replayReplicas(
  setup: ReplicaSetup,
  steps: readonly ReplicaStep[],
): { readonly problem: string | null; readonly steps: readonly ReplicaStep[] } {
  const world = new ReplicaWorld(setup);
  const gone: ReplicaStep[] = [];
  for (const step of steps) {
    if (world.problem !== null) break;
    if (world.go(step)) gone.push(step);
  }
  return { problem: world.problem, steps: gone };
}

function shrinkReplicas(setup: ReplicaSetup, steps: readonly ReplicaStep[], problem: string) {
  const kind = kindOf(problem);
  const fails = (rest: readonly ReplicaStep[]): boolean => {
    const found = replayReplicas(setup, rest).problem;
    return found !== null && kindOf(found) === kind;
  };
  const shrunk = replayReplicas(setup, shrinkSteps(steps, fails));
  return { problem: shrunk.problem ?? problem, steps: shrunk.steps };
}

/** A shrinking must not wander from one thing that is wrong to another: what they say differs in names and numbers only. */
function kindOf(problem: string): string {
  return problem.replaceAll(/"[^"]*"|\bk?\d+\b/g, "#");
}
