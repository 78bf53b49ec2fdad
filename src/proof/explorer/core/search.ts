/** Breadth first through all worlds that the bounds allow: what is found is found on a shortest way. */
import { Automaton } from "./automaton.ts";
import type { CoreOptions } from "./options.ts";
import type { CoreStep } from "./steps.ts";
import { Visited } from "./visited.ts";
import { Rules, type World } from "./world.ts";

export interface SearchLimits {
  /** Worlds to look at. */
  readonly states: number;
  readonly seconds: number;
  /** Steps from the beginning. */
  readonly depth: number;
}

export interface Violation<Step> {
  readonly problem: string;
  readonly steps: readonly Step[];
}

export interface SearchResult {
  readonly states: number;
  readonly transitions: number;
  /** Steps to the farthest world. */
  readonly depth: number;
  /** How many states single nodes have been in. */
  readonly nodeStates: number;
  readonly seconds: number;
  /** `all`: there is no more within the bounds. */
  readonly ended: "all" | "states" | "seconds" | "depth" | "violation";
  readonly violation: Violation<CoreStep> | null;
}

export interface SearchHooks {
  /** The time now, in milliseconds. */
  now(): number;
  /** Told of each depth when the search is done with it. */
  onDepth?(depth: number, states: number): void;
}

/** Worlds between two looks at the clock. */
const CLOCK_EVERY = 512;

export function search(
  options: CoreOptions,
  limits: SearchLimits,
  hooks: SearchHooks,
  verify = false,
): SearchResult {
  const automaton = new Automaton(
    { nodes: Array.from({ length: options.nodes }, (_, index) => index + 1), disk: options.disk },
    verify,
  );
  const rules = new Rules(options, automaton);
  const started = hooks.now();
  const visited = new Visited();
  const hash = new WorldHash();
  let transitions = 0;
  let depth = 0;
  const result = (ended: SearchResult["ended"], violation: Violation<CoreStep> | null) => ({
    states: visited.size,
    transitions,
    depth,
    nodeStates: automaton.stateCount,
    seconds: (hooks.now() - started) / 1000,
    ended,
    violation,
  });
  const root = rules.root();
  hash.of(root);
  visited.add(hash.low, hash.high, -1, 0);
  let frontier: { readonly world: World; readonly number: number }[] = [{ world: root, number: 0 }];
  let looked = 0;
  while (frontier.length > 0) {
    if (depth >= limits.depth) return result("depth", null);
    const next: { readonly world: World; readonly number: number }[] = [];
    for (const { world, number } of frontier) {
      if (++looked % CLOCK_EVERY === 0 && hooks.now() - started > limits.seconds * 1000) {
        return result("seconds", null);
      }
      const moves = rules.moves(world);
      for (let i = 0; i < moves.length; i++) {
        const move = moves[i];
        const outcome = move === undefined ? null : rules.go(world, move);
        if (outcome === null) continue;
        transitions += 1;
        if (outcome.problem !== null) {
          const steps = stepsOf(rules, root, [...visited.path(number), i]);
          depth += 1;
          return result("violation", { problem: outcome.problem, steps });
        }
        if (outcome.world === null) continue;
        hash.of(outcome.world);
        const added = visited.add(hash.low, hash.high, number, i);
        if (added >= 0) next.push({ world: outcome.world, number: added });
      }
      if (visited.size >= limits.states) return result("states", null);
    }
    if (next.length > 0) depth += 1;
    hooks.onDepth?.(depth, visited.size);
    frontier = next;
  }
  return result("all", null);
}

/** Goes the way once more, to say what it is. */
function stepsOf(rules: Rules, root: World, path: readonly number[]): CoreStep[] {
  let world = root;
  return path.map((at) => {
    const move = rules.moves(world)[at];
    if (move === undefined) throw new Error("the way back is lost");
    world = rules.go(world, move)?.world ?? world;
    return rules.stepOf(move);
  });
}

class WorldHash {
  low = 0;
  high = 0;
  readonly #logs = new Map<string, number>();

  of({ nodes, decided, mail, spent }: World): void {
    this.low = 0x2545f491;
    this.high = 0x6c62272e;
    for (const { id } of nodes) this.#mix(id);
    let log = this.#logs.get(decided);
    if (log === undefined) this.#logs.set(decided, (log = this.#logs.size));
    this.#mix(log);
    for (const uses of spent) this.#mix(uses);
    for (const queue of mail) {
      this.#mix(queue.length);
      for (const letter of queue) this.#mix(letter);
    }
    this.low ^= this.low >>> 15;
    this.high ^= this.high >>> 13;
  }

  #mix(value: number): void {
    let low = Math.imul(this.low ^ value, 0x85ebca6b);
    low ^= low >>> 13;
    this.low = Math.imul(low, 0xc2b2ae35) + 0x165667b1;
    let high = Math.imul(this.high + value, 0x9e3779b1);
    high ^= high >>> 16;
    this.high = (Math.imul(high, 0x27d4eb2f) + 0x5bd1e995) | 0;
    this.low |= 0;
  }
}
