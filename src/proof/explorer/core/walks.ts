/** Random walks through the worlds that the bounds allow, where they are too many to go through all. */
import { Dice } from "../random.ts";
import { shrinkSteps } from "../shrink.ts";
import { Automaton } from "./automaton.ts";
import type { CoreOptions } from "./options.ts";
import type { Violation } from "./search.ts";
import type { CoreStep } from "./steps.ts";
import { Rules, type Move, type World } from "./world.ts";

export interface WalkLimits {
  readonly walks: number;
  readonly seed: number;
  /** Steps of one walk. */
  readonly depth: number;
  readonly seconds: number;
  /** Reports only a fault whose text contains this; a walk that finds another one ends there. */
  readonly only: string;
}

export interface WalkResult<Step> {
  readonly walks: number;
  readonly steps: number;
  /** Walks that found what was not asked for. */
  readonly passedOver: number;
  readonly seconds: number;
  readonly ended: "all" | "seconds" | "violation";
  /** The walk that found it, by number. */
  readonly walk: number | null;
  readonly violation: Violation<Step> | null;
}

type Kind = CoreStep["do"];

const WEIGHTS: Readonly<Record<Kind, number>> = {
  deliver: 6,
  deliverCopy: 1,
  persist: 6,
  propose: 1,
  lead: 0.5,
  tick: 0.5,
  crash: 0.5,
  breakSession: 0.5,
  reconnected: 0.5,
};
/** States of single nodes that are kept from walk to walk; beyond that many all are forgotten, so that memory is bounded. */
const NODE_STATES_MAX = 200_000;

export function walk(
  options: CoreOptions,
  limits: WalkLimits,
  now: () => number,
): WalkResult<CoreStep> {
  const started = now();
  let rules = newRules(options);
  let steps = 0;
  let passedOver = 0;
  const counts = (walks: number) => ({
    walks,
    steps,
    passedOver,
    seconds: (now() - started) / 1000,
  });
  for (let number = 0; number < limits.walks; number++) {
    if (now() - started > limits.seconds * 1000) {
      return { ...counts(number), ended: "seconds", walk: null, violation: null };
    }
    if (rules.nodeStates > NODE_STATES_MAX) rules = newRules(options);
    const dice = new Dice(limits.seed, number);
    const gone: CoreStep[] = [];
    const problem = oneWalk(rules, dice, limits.depth, gone);
    steps += gone.length;
    if (problem === null) continue;
    if (!problem.includes(limits.only)) {
      passedOver += 1;
      continue;
    }
    const found = counts(number + 1);
    const violation = shrinkCore(options, { problem, steps: gone });
    return { ...found, ended: "violation", walk: number, violation };
  }
  return { ...counts(limits.walks), ended: "all", walk: null, violation: null };
}

function oneWalk(rules: Rules, dice: Dice, depth: number, gone: CoreStep[]): string | null {
  const weights = swarm(dice);
  // Messages that are late in this walk, by their number: the same message is late again wherever it is met.
  const late = dice.chance(0.7) ? 1 + dice.below(7) : 0;
  let world = rules.root();
  for (let i = 0; i < depth; i++) {
    const moves = rules.moves(world);
    const at = dice.weighted(moves.map((move) => weights[move.kind] * lateness(move, late)));
    const move = moves[at];
    if (move === undefined) return null;
    const outcome = rules.go(world, move);
    if (outcome === null) continue;
    gone.push(rules.stepOf(move));
    if (outcome.problem !== null) return outcome.problem;
    if (outcome.world === null) return null;
    world = outcome.world;
  }
  return null;
}

/** Each walk does some kinds of things often, others seldom. */
function swarm(dice: Dice): Record<Kind, number> {
  const weights = { ...WEIGHTS };
  for (const kind of Object.keys(WEIGHTS) as Kind[]) {
    weights[kind] *= [0.1, 0.5, 1, 1, 3][dice.below(5)] ?? 1;
  }
  return weights;
}

function lateness({ kind, at }: Move, late: number): number {
  return kind === "deliver" && late > 0 && (Math.imul(at, 0x9e3779b1) >>> 8) % (late + 1) === 0
    ? 0.03
    : 1;
}

export interface Replayed {
  readonly problem: string | null;
  /** The steps that were possible. */
  readonly steps: readonly CoreStep[];
}

/** Goes through steps in a world of its own; what is impossible when its turn comes is left out. */
export function replayCore(options: CoreOptions, steps: readonly CoreStep[]): Replayed {
  return replayWith(newRules(unbounded(options)), steps);
}

function replayWith(rules: Rules, steps: readonly CoreStep[]): Replayed {
  let world: World = rules.root();
  const gone: CoreStep[] = [];
  for (const step of steps) {
    const move = rules.moveOf(world, step);
    if (move === undefined) continue;
    gone.push(rules.stepOf(move));
    const outcome = rules.go(world, move);
    // Nothing changes by it.
    if (outcome === null) continue;
    if (outcome.problem !== null) return { problem: outcome.problem, steps: gone };
    if (outcome.world === null) break;
    world = outcome.world;
  }
  return { problem: null, steps: gone };
}

function shrinkCore(options: CoreOptions, violation: Violation<CoreStep>): Violation<CoreStep> {
  const rules = newRules(options);
  const steps = shrinkSteps(violation.steps, (rest) => replayWith(rules, rest).problem !== null);
  const { problem, steps: gone } = replayWith(rules, steps);
  return { problem: problem ?? violation.problem, steps: gone };
}

/** A replay has as many of everything as its steps say. */
function unbounded(options: CoreOptions): CoreOptions {
  const many = 1000;
  const all = { proposals: many, leaderChanges: many, crashes: many, losses: many };
  return { ...options, ...all, duplicates: many, ticks: many };
}

function newRules(options: CoreOptions): Rules {
  const nodes = Array.from({ length: options.nodes }, (_, index) => index + 1);
  return new Rules(options, new Automaton({ nodes, disk: options.disk }, false));
}
