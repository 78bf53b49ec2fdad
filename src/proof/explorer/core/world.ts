/** The whole of a small cluster as one value: its nodes, what is under way between them, and what it may still do. */
import { unreachable } from "../../../base/index.ts";
import type { NodeId } from "../../../omnipaxos/index.ts";
import type { Automaton, Letter, NodeState, NodeStep } from "./automaton.ts";
import { listOf, problemOf } from "./checks.ts";
import type { NodeInput } from "./live-node.ts";
import { BUDGETS, type Budget, type CoreOptions } from "./options.ts";
import { entryOf, type CoreStep } from "./steps.ts";

export interface World {
  readonly nodes: readonly NodeState[];
  /** The longest log that was ever decided anywhere, also by a node that has forgotten it in a crash. */
  readonly decided: string;
  /** Numbers of letters. FIFO: a queue for each directed link; any order: one list, sorted. */
  readonly mail: readonly (readonly number[])[];
  /** By position in BUDGETS. */
  readonly spent: readonly number[];
}

/** A step that is possible in a world, in numbers. `at`, `arg`: depend on the kind. */
export interface Move {
  readonly kind: CoreStep["do"];
  /** Position of the node, or the letter. */
  readonly at: number;
  /** Position of the other node, or write groups. */
  readonly arg: number;
}

export interface Outcome {
  /** Null: see `problem`. */
  readonly world: World | null;
  readonly problem: string | null;
}

const SPENT_BY: Readonly<Record<CoreStep["do"], number>> = {
  deliver: -1,
  deliverCopy: BUDGETS.indexOf("duplicates"),
  persist: -1,
  propose: BUDGETS.indexOf("proposals"),
  lead: BUDGETS.indexOf("leaderChanges"),
  tick: BUDGETS.indexOf("ticks"),
  crash: BUDGETS.indexOf("crashes"),
  breakSession: BUDGETS.indexOf("losses"),
  reconnected: BUDGETS.indexOf("losses"),
};
const PROPOSALS = SPENT_BY.propose;

export class Rules {
  readonly options: CoreOptions;
  readonly #automaton: Automaton;
  readonly #pids: readonly NodeId[];

  constructor(options: CoreOptions, automaton: Automaton) {
    this.options = options;
    this.#automaton = automaton;
    this.#pids = Array.from({ length: options.nodes }, (_, index) => index + 1);
  }

  /** How many states single nodes have been in so far. */
  get nodeStates(): number {
    return this.#automaton.stateCount;
  }

  root(): World {
    const { nodes, order, start } = this.options;
    const states = this.#pids.map((pid) => {
      const { to, problem } = this.#automaton.start(pid, undefined);
      if (to === null) throw new Error(`node ${pid} does not start: ${problem}`);
      return to;
    });
    const links = order === "fifo" ? nodes * nodes : 1;
    const mail = Array.from({ length: links }, () => []);
    const empty = { nodes: states, decided: "", mail, spent: BUDGETS.map(() => 0) };
    return start === "empty" ? empty : this.#elected(empty);
  }

  /** What may happen next; always in the same order. */
  moves(world: World): Move[] {
    const moves: Move[] = [];
    this.#deliveries(world, moves);
    const { nodes } = world;
    const { candidates, proposers } = this.options;
    for (let at = 0; at < nodes.length; at++) {
      const node = nodes[at];
      if (node === undefined) continue;
      if (node.staged > 0) moves.push({ kind: "persist", at, arg: 0 });
      if (this.#has(world, "proposals") && proposers.includes(node.pid)) {
        moves.push({ kind: "propose", at, arg: world.spent[PROPOSALS] ?? 0 });
      }
      if (this.#has(world, "leaderChanges") && candidates.includes(node.pid)) {
        moves.push({ kind: "lead", at, arg: 0 });
      }
      if (this.#has(world, "ticks")) moves.push({ kind: "tick", at, arg: 0 });
      if (this.#has(world, "crashes")) {
        for (let arg = 0; arg <= node.staged; arg++) moves.push({ kind: "crash", at, arg });
      }
      if (this.#has(world, "losses")) this.#losses(at, moves);
    }
    return moves;
  }

  /** Null: the step changes nothing, and the search need not go on from it. */
  go(world: World, move: Move): Outcome | null {
    const { at, arg, kind } = move;
    switch (kind) {
      case "deliver":
      case "deliverCopy":
        return this.#deliver(world, move);
      case "persist":
        return this.#input(world, move, at, { kind: "persist" });
      case "propose":
        return this.#input(world, move, at, { kind: "propose", entry: entryOf(arg) });
      case "lead":
        return this.#input(world, move, at, { kind: "lead" });
      case "tick":
        return this.#input(world, move, at, { kind: "tick" });
      case "reconnected":
        return this.#input(world, move, at, { kind: "reconnected", peer: arg + 1 });
      case "crash":
        return this.#crash(world, move);
      case "breakSession":
        return this.#change(world, move, (draft) => draft.renew(at, arg));
      default:
        return unreachable(kind, "move");
    }
  }

  stepOf({ kind, at, arg }: Move): CoreStep {
    const node = at + 1;
    switch (kind) {
      case "deliver":
      case "deliverCopy":
        return { do: kind, mail: this.#automaton.letter(at).mail };
      case "persist":
      case "lead":
      case "tick":
        return { do: kind, node };
      case "propose":
        return { do: kind, node, entry: entryOf(arg) };
      case "crash":
        return { do: kind, node, durable: arg };
      case "breakSession":
        return { do: kind, a: node, b: arg + 1 };
      case "reconnected":
        return { do: kind, node, peer: arg + 1 };
      default:
        return unreachable(kind, "move");
    }
  }

  /** The move that a step is in this world; undefined when it cannot happen there. */
  moveOf(world: World, step: CoreStep): Move | undefined {
    const wanted = this.#nameOf(step);
    return this.moves(world).find((move) => this.#nameOf(this.stepOf(move)) === wanted);
  }

  #nameOf(step: CoreStep): string {
    if (step.do === "propose") return `propose ${step.node}`;
    if (step.do !== "deliver" || this.options.order === "any") return JSON.stringify(step);
    return `deliver ${step.mail.from} ${step.mail.to}`;
  }

  #has(world: World, budget: Budget): boolean {
    return (world.spent[BUDGETS.indexOf(budget)] ?? 0) < this.options[budget];
  }

  #deliveries({ mail, spent }: World, moves: Move[]): void {
    const isFifo = this.options.order === "fifo";
    const copies = !isFifo && (spent[SPENT_BY.deliverCopy] ?? 0) < this.options.duplicates;
    for (const queue of mail) {
      let last = -1;
      for (const at of queue) {
        if (at === last) continue;
        last = at;
        moves.push({ kind: "deliver", at, arg: 0 });
        if (isFifo) break;
        if (copies) moves.push({ kind: "deliverCopy", at, arg: 0 });
      }
    }
  }

  #losses(at: number, moves: Move[]): void {
    for (let other = 0; other < this.#pids.length; other++) {
      if (this.options.order === "any") {
        if (other !== at) moves.push({ kind: "reconnected", at, arg: other });
      } else if (other > at) moves.push({ kind: "breakSession", at, arg: other });
    }
  }

  #deliver(world: World, move: Move): Outcome | null {
    const letter = this.#automaton.letter(move.at);
    const at = letter.mail.to - 1;
    const node = world.nodes[at];
    if (node === undefined) return null;
    const step = this.#automaton.step(node, { kind: "receive", mail: letter.mail }, letter.id);
    const isAny = this.options.order === "any";
    // A message that changes nothing may as well never come: all that follows without it follows with it too.
    if (isAny && step.to === node && step.sent.length === 0) return null;
    return this.#change(world, move, (draft) => {
      if (move.kind === "deliver") draft.take(letter);
      return draft.set(at, step);
    });
  }

  #input(world: World, move: Move, at: number, input: NodeInput): Outcome | null {
    return this.#change(world, move, (draft) => draft.input(at, input));
  }

  #crash(world: World, move: Move): Outcome | null {
    const { at, arg } = move;
    const node = world.nodes[at];
    if (node === undefined) return null;
    const step = this.#automaton.restart(node, arg);
    return this.#change(world, move, (draft) => {
      if (this.options.order === "any") return draft.set(at, step);
      // What it says at its start goes nowhere: there are no sessions yet.
      let problem = draft.set(at, { ...step, sent: [] });
      for (let other = 0; other < world.nodes.length; other++) {
        if (other !== at) problem ??= draft.renew(at, other);
      }
      return problem;
    });
  }

  #change(world: World, move: Move, change: (draft: Draft) => string | null): Outcome | null {
    const draft = new Draft(world, this.options.order === "fifo", this.#automaton);
    const problem = change(draft);
    // A node that notices a contradiction stops there and then, and tells no other node anything wrong.
    if (draft.nodeStopped && this.options.check === "decided") return null;
    if (problem !== null) return { world: null, problem };
    const next = draft.finish(SPENT_BY[move.kind]);
    return { world: next, problem: problemOf(next, this.options) };
  }

  /** Node 1 leads, and all that was said because of it has been heard. Costs nothing. */
  #elected(empty: World): World {
    const settle = (world: World): World => {
      const first = this.moves(world).find(
        (move) => SPENT_BY[move.kind] < 0 && this.go(world, move) !== null,
      );
      return first === undefined ? world : settle(this.#must(world, first));
    };
    const led = settle(this.#must(empty, { kind: "lead", at: 0, arg: 0 }));
    return { ...led, mail: empty.mail, spent: empty.spent };
  }

  #must(world: World, move: Move): World {
    const next = this.go(world, move)?.world;
    if (next === null || next === undefined) throw new Error("the beginning goes wrong");
    return next;
  }
}

/** The next world while it is made. */
class Draft {
  readonly #automaton: Automaton;
  readonly #isFifo: boolean;
  readonly #nodes: NodeState[];
  readonly #mail: (readonly number[])[];
  readonly #spent: readonly number[];
  #decided: string;
  /** A step of a node ended in a broken invariant. */
  nodeStopped = false;

  constructor(world: World, isFifo: boolean, automaton: Automaton) {
    this.#automaton = automaton;
    this.#isFifo = isFifo;
    this.#nodes = world.nodes.slice();
    this.#mail = world.mail.slice();
    this.#spent = world.spent;
    this.#decided = world.decided;
  }

  input(at: number, input: NodeInput): string | null {
    const node = this.#nodes[at];
    return node === undefined ? null : this.set(at, this.#automaton.step(node, input));
  }

  set(at: number, { to, sent, problem }: NodeStep): string | null {
    if (to === null) {
      this.nodeStopped = true;
      return problem ?? "unknown";
    }
    this.#nodes[at] = to;
    for (const letter of sent) this.#put(letter);
    const { decided } = to;
    const longer = decided.length > this.#decided.length ? decided : this.#decided;
    if (!longer.startsWith(decided) || !longer.startsWith(this.#decided)) {
      return (
        `node ${to.pid} has decided [${listOf(decided)}], ` +
        `where [${listOf(this.#decided)}] was decided before`
      );
    }
    this.#decided = longer;
    return null;
  }

  take({ id, link }: Letter): void {
    const at = this.#isFifo ? link : 0;
    const queue = this.#mail[at] ?? [];
    const position = queue.indexOf(id);
    this.#mail[at] = queue.filter((_, index) => index !== position);
  }

  /** FIFO: the session between two nodes ends, and the next one begins. */
  renew(a: number, b: number): string | null {
    const { length } = this.#nodes;
    this.#mail[a * length + b] = [];
    this.#mail[b * length + a] = [];
    const first = this.input(a, { kind: "reconnected", peer: b + 1 });
    return first ?? this.input(b, { kind: "reconnected", peer: a + 1 });
  }

  finish(spends: number): World {
    let spent = this.#spent;
    if (spends >= 0) {
      const more = spent.slice();
      more[spends] = (more[spends] ?? 0) + 1;
      spent = more;
    }
    return { nodes: this.#nodes, decided: this.#decided, mail: this.#mail, spent };
  }

  #put({ id, link }: Letter): void {
    const at = this.#isFifo ? link : 0;
    const queue = this.#mail[at] ?? [];
    if (this.#isFifo) {
      this.#mail[at] = [...queue, id];
      return;
    }
    let position = queue.length;
    while (position > 0 && (queue[position - 1] ?? 0) > id) position -= 1;
    this.#mail[at] = [...queue.slice(0, position), id, ...queue.slice(position)];
  }
}
