/**
 * A node as an automaton that is built while it is used. The core cannot be copied, so the automaton remembers a state as the inputs
 * that led to it, from a start on a disk's content; and it computes the next state for an input once, by going through them again.
 * States of equal memory, disk and waiting messages are one, so comparing numbers finds worlds that look alike.
 */
import { unreachable } from "../../../base/index.ts";
import { errorText } from "../error-text.ts";
import type { Ballot, NodeId } from "../../../omnipaxos/index.ts";
import { LiveNode, type Durable, type Mail, type NodeInput, type NodeSetup } from "./live-node.ts";

/** A message between two nodes; equal ones are one object. */
export interface Letter {
  readonly id: number;
  readonly mail: Mail;
  /** Which of the directed links it takes. */
  readonly link: number;
}

export interface NodeState {
  readonly id: number;
  readonly pid: NodeId;
  /** One letter an entry. */
  readonly log: string;
  readonly decided: string;
  readonly acceptedRound: Ballot;
  /** The round it leads in its accept phase, else null. */
  readonly leads: Ballot | null;
  readonly durableLog: string;
  /** Write groups that are not durable. */
  readonly staged: number;
  readonly origin: Origin;
  readonly steps: Map<number, NodeStep>;
  readonly restarts: NodeStep[];
  /** Another way here, for `verify`. */
  other: Origin | null;
}

type Origin =
  | { readonly from: NodeState; readonly input: NodeInput }
  | { readonly from: null; readonly found: Durable | undefined };

export interface NodeStep {
  /** Null: something is wrong, see `problem`. */
  readonly to: NodeState | null;
  readonly sent: readonly Letter[];
  readonly problem: string | null;
}

export class Automaton {
  readonly #setup: NodeSetup;
  readonly #verify: boolean;
  readonly #byText = new Map<string, NodeState>();
  readonly #letters = new Map<string, Letter>();
  readonly #byId: Letter[] = [];
  /** Times that a core was run through its inputs. */
  runs = 0;

  /** @param verify compare the effects of nodes that came to one state in two ways (memory.ts, MEMORY-1) */
  constructor(setup: NodeSetup, verify: boolean) {
    this.#setup = setup;
    this.#verify = verify;
  }

  get stateCount(): number {
    return this.#byText.size;
  }

  letter(id: number): Letter {
    const letter = this.#byId[id];
    if (letter === undefined) throw new RangeError(`no message ${id}`);
    return letter;
  }

  /** A start on this disk. */
  start(pid: NodeId, found: Durable | undefined): NodeStep {
    return this.#guarded(() => {
      const node = new LiveNode(pid, this.#setup, found);
      return this.#arrived(pid, node, { from: null, found });
    });
  }

  /** @param letter of the message, when the input is to receive one */
  step(state: NodeState, input: NodeInput, letter = 0): NodeStep {
    const number = inputNumber(input, letter);
    const known = state.steps.get(number);
    if (known !== undefined) return known;
    const step = this.#run(state, state.origin, input);
    if (this.#verify && state.other !== null) {
      const again = this.#run(state, state.other, input);
      if (again.to !== step.to || idsOf(again) !== idsOf(step)) {
        throw new Error(`nodes of equal memory differ at ${JSON.stringify(input)}`);
      }
    }
    state.steps.set(number, step);
    return step;
  }

  /** A crash after which the oldest `durable` of the staged groups are found, and the next start. */
  restart(state: NodeState, durable: number): NodeStep {
    const known = state.restarts[durable];
    if (known !== undefined) return known;
    const { disk } = this.#rebuild(state.pid, state.origin);
    for (let i = 0; i < durable; i++) disk.sync();
    const step = this.start(state.pid, disk.found);
    state.restarts[durable] = step;
    return step;
  }

  #run(state: NodeState, origin: Origin, input: NodeInput): NodeStep {
    return this.#guarded(() => {
      const node = this.#rebuild(state.pid, origin);
      node.apply(input);
      const step = this.#arrived(state.pid, node, { from: state, input });
      const { to } = step;
      if (to !== null && to.decided.length < state.decided.length) {
        return { to: null, sent: [], problem: `node ${state.pid}: its decided index goes back` };
      }
      return step;
    });
  }

  #rebuild(pid: NodeId, origin: Origin): LiveNode {
    this.runs += 1;
    const inputs: NodeInput[] = [];
    let at = origin;
    while (at.from !== null) {
      inputs.push(at.input);
      at = at.from.origin;
    }
    const node = new LiveNode(pid, this.#setup, at.found);
    for (let i = inputs.length - 1; i >= 0; i--) {
      const input = inputs[i];
      if (input !== undefined) node.apply(input);
    }
    node.takeLeft();
    return node;
  }

  #arrived(pid: NodeId, node: LiveNode, origin: Origin): NodeStep {
    const sent = node.takeLeft().map((mail) => this.#letterOf(mail));
    const text = `${pid} ${node.describe()}`;
    const known = this.#byText.get(text);
    if (known !== undefined) {
      known.other ??= origin;
      return { to: known, sent, problem: null };
    }
    const { core, disk } = node;
    const log = (core.readEntries(0, core.acceptedIdx) ?? [])
      .map((read) => (read.kind === "decided" || read.kind === "undecided" ? read.entry : "?"))
      .join("");
    const state: NodeState = {
      id: this.#byText.size,
      pid,
      log,
      decided: log.slice(0, core.decidedIdx),
      acceptedRound: core.acceptedRound,
      leads: core.role === "leader" && core.phase === "accept" ? core.promise : null,
      durableLog: disk.state.entries.join(""),
      staged: disk.staged.length,
      origin,
      steps: new Map(),
      restarts: [],
      other: null,
    };
    this.#byText.set(text, state);
    return { to: state, sent, problem: null };
  }

  #letterOf(mail: Mail): Letter {
    const text = JSON.stringify(mail);
    let letter = this.#letters.get(text);
    if (letter === undefined) {
      const { nodes } = this.#setup;
      const link = nodes.indexOf(mail.from) * nodes.length + nodes.indexOf(mail.to);
      // The core may change a message that it holds on to: what travels is what it said.
      letter = { id: this.#byId.length, mail: JSON.parse(text) as Mail, link };
      this.#letters.set(text, letter);
      this.#byId.push(letter);
    }
    return letter;
  }

  /** What the core throws is what is wrong with it. */
  #guarded(run: () => NodeStep): NodeStep {
    try {
      return run();
    } catch (error) {
      return { to: null, sent: [], problem: errorText(error) };
    }
  }
}

function idsOf({ sent }: NodeStep): string {
  return sent.map(({ id }) => id).join();
}

/** One number for each input: the lowest bits say its kind. */
function inputNumber(input: NodeInput, letter: number): number {
  switch (input.kind) {
    case "lead":
      return 0;
    case "tick":
      return 1;
    case "persist":
      return 2;
    case "reconnected":
      return 8 * input.peer + 3;
    case "propose":
      return 8 * input.entry.charCodeAt(0) + 4;
    case "receive":
      return 8 * letter + 5;
    default:
      return unreachable(input, "input");
  }
}
