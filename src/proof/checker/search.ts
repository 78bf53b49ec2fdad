/**
 * The search for an order of operations that a model accepts: depth first over "which operation comes next", with a
 * cache of configurations (Wing and Gong; Lowe). It backs linearizability and sequential consistency, see Tracks.
 *
 * What keeps it small, and why nothing is lost:
 *   SEARCH-1. An operation that never changes the state (a read) is placed as soon as it is accepted, without alternative: in
 *       any order that starts with what has been placed, it can be moved to here.
 *   SEARCH-2. An operation of unknown outcome is placed only right before one that needs it. In an order with the fewest such
 *       operations, each as late as possible, what follows one of them neither gives the same state without it (it
 *       could be left out) nor gives the same state in front of it (it could be later).
 *   SEARCH-3. Two of unknown outcome that commute are placed in the order of their classes, and of equal ones of a track the
 *       one called first: each order can be rearranged so.
 *   SEARCH-4. A state that can only grow (append), and is not the beginning of anything that was read, is given up when some
 *       read must come before anything that could reset it.
 *   SEARCH-5. Of completed operations that do the same in every state, the one answered first comes first: they can be
 *       exchanged.
 *   SEARCH-6. An operation whose result no client saw is placed as soon as it changes nothing, and before any that overwrites it:
 *       at its later place no operation misses it, as those that follow there cannot tell the states apart until one overwrites
 *       them.
 *   SEARCH-7. A step is not taken when some completed operation could not be placed any more, because nothing is left that leads
 *       to the state it must find (see Futures).
 */
import { ConfigurationCache, type Configuration } from "./configuration-cache.ts";
import { Exchange } from "./exchange.ts";
import { Futures } from "./futures.ts";
import { END, Tracks } from "./tracks.ts";
import { REJECTED, type Machine } from "./model.ts";
import { OpenOperations } from "./open-operations.ts";

export interface SearchProblem {
  readonly machine: Machine;
  /** Ascending; positions are those of the machine. */
  readonly calls: Float64Array;
  /** Infinity: of unknown outcome. */
  readonly ends: Float64Array;
  readonly trackOf: Int32Array;
  readonly trackCount: number;
  /** Those with a number from 0 stand in this order in every order; -1: not known. Null: none known. */
  readonly chain: Int32Array | null;
}

export interface SearchLimits {
  /** Steps of the model. */
  readonly stepsMax: number;
  readonly cacheBytesMax: number;
  /** Asked now and then. */
  readonly isTimeUp: () => boolean;
  /** Whether the longest order is wanted too when there is a violation. */
  readonly wantsOrder: boolean;
}

export type StopReason = "time" | "memory" | "steps";

export interface SearchOutcome {
  readonly verdict: "ok" | "violation" | "unknown";
  /** Why it is unknown. */
  readonly reason: StopReason | null;
  /** Positions in order: all completed ones, or the longest order that was found. */
  readonly order: Int32Array;
  /** After that order, of all that had to come next the one that was answered first; END when ok. */
  readonly blocked: number;
  readonly steps: number;
  readonly configurations: number;
}

const STEPS_BETWEEN_CHECKS = 4096;
/** For the longest order of a violation. It is most often found at once, and then the rest goes into making sure. */
const ORDER_STEPS_MAX = 1_000_000;

export function search(problem: SearchProblem, limits: SearchLimits): SearchOutcome {
  const outcome = new Search(problem, limits, true).run();
  if (outcome.verdict !== "violation" || !limits.wantsOrder) return outcome;
  // SEARCH-7 gives up orders long before they get stuck: the longest is found without it.
  const stepsMax = Math.min(limits.stepsMax, ORDER_STEPS_MAX);
  const { order, blocked } = new Search(problem, { ...limits, stepsMax }, false).run();
  return { ...outcome, order, blocked };
}

class Search {
  readonly #machine: Machine;
  readonly #limits: SearchLimits;
  readonly #tracks: Tracks;
  readonly #open: OpenOperations;
  readonly #cache: ConfigurationCache;
  readonly #exchange: Exchange;
  /** SEARCH-7. */
  readonly #futures: Futures | null;
  readonly #count: number;
  /** Number of a completed operation among the completed. */
  readonly #bitOf: Int32Array;
  readonly #zobrist: Int32Array;
  readonly #placed: Int32Array;
  readonly #configuration: Configuration;
  /** By position, in the order of the answers: what to try first when there are several tracks. */
  readonly #ranks: Int32Array | null;
  readonly #chain: Int32Array | null;
  #chainNext = 0;
  #left = 0;
  #steps = 0;
  #nextCheck: number;

  // The stack: what was placed, and what was before.
  #depth = 0;
  readonly #operations: Int32Array;
  readonly #states: Int32Array;
  readonly #tagStates: Int32Array;
  readonly #tagOperations: Int32Array;
  readonly #highs: Int32Array;
  readonly #isForced: Uint8Array;

  #best: Int32Array;
  #bestDepth = -1;
  #bestPlaced = -1;
  #bestBlocked = END;
  /** The first so many of `best` are those of the stack. */
  #bestCommon = 0;
  /** The state after the candidate that was found last. */
  #candidateState = REJECTED;

  constructor(problem: SearchProblem, limits: SearchLimits, looksAhead: boolean) {
    const { machine, calls, ends, trackOf, trackCount } = problem;
    const count = calls.length;
    this.#machine = machine;
    this.#limits = limits;
    this.#nextCheck = Math.min(STEPS_BETWEEN_CHECKS, limits.stepsMax);
    this.#chain = problem.chain;
    this.#ranks = trackCount > 1 ? ranksOf(ends) : null;
    this.#count = count;
    this.#tracks = new Tracks(calls, ends, trackOf, trackCount);
    this.#exchange = new Exchange(machine, this.#tracks, ends);
    this.#open = new OpenOperations(calls, ends, trackOf, (position) =>
      machine.signature(position),
    );
    this.#cache = new ConfigurationCache(this.#open.words.length, limits.cacheBytesMax);
    this.#bitOf = new Int32Array(count).fill(-1);
    this.#zobrist = new Int32Array(count);
    for (let position = 0; position < count; position++) {
      if (ends[position] !== Number.POSITIVE_INFINITY) this.#bitOf[position] = this.#left++;
      this.#zobrist[position] = scramble(position);
    }
    this.#futures = looksAhead ? new Futures(machine, count) : null;
    this.#placed = new Int32Array((this.#left >>> 5) + 1);
    this.#configuration = {
      hash: 0,
      state: machine.initial,
      tagState: -1,
      tagOperation: -1,
      low: 0,
      high: 0,
    };
    this.#operations = new Int32Array(count);
    this.#states = new Int32Array(count);
    this.#tagStates = new Int32Array(count);
    this.#tagOperations = new Int32Array(count);
    this.#highs = new Int32Array(count);
    this.#isForced = new Uint8Array(count);
    this.#best = new Int32Array(count);
  }

  run(): SearchOutcome {
    if (this.#futures?.isHopelessFrom(this.#machine.initial) === true) {
      return this.#outcome("violation", null);
    }
    let after = END;
    let isFresh = true;
    for (;;) {
      const stop = this.#steps >= this.#nextCheck ? this.#checkLimits() : null;
      if (stop !== null) return this.#outcome("unknown", stop);
      if (isFresh) {
        this.#placeObservers();
        if (this.#left === 0) return this.#outcome("ok", null);
        after = END;
      }
      const isNew =
        !isFresh ||
        (!this.#isHopeless() &&
          this.#cache.add(this.#configuration, this.#placed, this.#open.words));
      const candidate = isNew ? this.#candidate(after) : END;
      if (candidate !== END) {
        this.#push(candidate, this.#candidateState, false);
        isFresh = true;
        continue;
      }
      this.#record();
      after = this.#backtrack();
      if (after === END) return this.#outcome("violation", null);
      isFresh = false;
    }
  }

  #checkLimits(): StopReason | null {
    this.#nextCheck = Math.min(this.#steps + STEPS_BETWEEN_CHECKS, this.#limits.stepsMax);
    if (this.#steps >= this.#limits.stepsMax) return "steps";
    if (this.#cache.isFull) return "memory";
    return this.#limits.isTimeUp() ? "time" : null;
  }

  /** SEARCH-1. */
  #placeObservers(): void {
    for (let track = 0; track < this.#tracks.count; track++) {
      let node = this.#tracks.first(track);
      while (node !== END && (node & 1) === 0) {
        const position = node >>> 1;
        if (this.#isPlacedAtOnce(position)) {
          const { state } = this.#configuration;
          this.#push(position, state, true);
          // Its answer may have held back others of the track.
          node = this.#tracks.first(track);
        } else {
          node = this.#tracks.after(node);
        }
      }
    }
  }

  #isPlacedAtOnce(position: number): boolean {
    const { state, tagOperation } = this.#configuration;
    if (!this.#machine.isObserver(position)) {
      if (tagOperation !== END || !this.#machine.isUnseen(position)) return false;
    }
    return this.#step(state, position) === state;
  }

  /** What may come next, after the given one in the order of trying; END: nothing more. */
  #candidate(after: number): number {
    if (after === END || this.#bitOf[after] !== -1) {
      const position =
        this.#ranks === null
          ? this.#candidateOfOne(after)
          : this.#candidateOfMany(this.#ranks, after);
      if (position !== END) return position;
    }
    return this.#openCandidate(after);
  }

  #candidateOfOne(after: number): number {
    let node = after === END ? this.#tracks.first(0) : this.#tracks.after(2 * after);
    while (node !== END && (node & 1) === 0) {
      if (this.#isCandidate(node >>> 1)) return node >>> 1;
      node = this.#tracks.after(node);
    }
    return END;
  }

  #candidateOfMany(ranks: Int32Array, after: number): number {
    let lastRank = after === END ? -1 : (ranks[after] as number);
    for (;;) {
      let best = END;
      let bestRank = Number.POSITIVE_INFINITY;
      for (let track = 0; track < this.#tracks.count; track++) {
        let node = this.#tracks.first(track);
        while (node !== END && (node & 1) === 0) {
          const rank = ranks[node >>> 1] as number;
          if (rank > lastRank && rank < bestRank) {
            best = node >>> 1;
            bestRank = rank;
          }
          node = this.#tracks.after(node);
        }
      }
      if (best === END || this.#isCandidate(best)) return best;
      lastRank = bestRank;
    }
  }

  #isCandidate(position: number): boolean {
    const { state, tagState, tagOperation } = this.#configuration;
    // SEARCH-5 and SEARCH-6.
    const exchange = this.#exchange;
    if (exchange.hasEarlierTwin(position) || exchange.overwritesUnseen(position)) return false;
    const link = this.#chain === null ? -1 : (this.#chain[position] as number);
    if (link !== -1 && link !== this.#chainNext) return false;
    const next = this.#step(state, position);
    if (next === REJECTED) return false;
    if (tagOperation !== END) {
      const without = this.#step(tagState, position);
      if (without === next) return false;
      if (without !== REJECTED && this.#step(without, tagOperation) === next) return false;
    }
    if (this.#futures?.strands(position, state, next) === true) return false;
    this.#candidateState = next;
    return true;
  }

  /** SEARCH-2 and SEARCH-3. */
  #openCandidate(after: number): number {
    const open = this.#open;
    const from = after === END || this.#bitOf[after] !== -1 ? 0 : open.numberOf(after) + 1;
    const { state, tagState, tagOperation } = this.#configuration;
    let track = END;
    let answerTime = 0;
    for (let number = from; number < open.count; number++) {
      if (!open.isNext(number)) continue;
      const position = open.position(number);
      const trackOf = this.#tracks.trackOf[position] as number;
      if (trackOf !== track) {
        track = trackOf;
        answerTime = this.#tracks.firstAnswerTime(track);
      }
      if (open.call(number) > answerTime) {
        if (this.#tracks.count === 1) break;
        continue;
      }
      const next = this.#step(state, position);
      if (next === REJECTED || next === state) continue;
      if (tagOperation !== END) {
        const without = this.#step(tagState, position);
        if (without === next) continue;
        const commutes = without !== REJECTED && this.#step(without, tagOperation) === next;
        if (commutes && !open.isOrdered(tagOperation, position)) continue;
      }
      if (this.#futures?.strands(position, state, next) === true) continue;
      this.#candidateState = next;
      return position;
    }
    return END;
  }

  /** SEARCH-4. Only asked right after a step that changed the state. */
  #isHopeless(): boolean {
    if (this.#depth === 0 || this.#tracks.count !== 1) return false;
    const last = this.#lastMutation();
    const machine = this.#machine;
    if (last === END || !machine.isDoomed(this.#configuration.state, last)) return false;
    const group = machine.group(last);
    let answerTime = Number.POSITIVE_INFINITY;
    for (let node = this.#tracks.first(0); node !== END; node = this.#tracks.after(node)) {
      const position = node >>> 1;
      if (machine.group(position) !== group) continue;
      if ((node & 1) === 0) {
        if (machine.isReset(position)) return false;
      } else if (machine.isObserver(position) && !machine.isReset(position)) {
        answerTime = this.#tracks.answerTime(position);
        break;
      }
    }
    if (answerTime === Number.POSITIVE_INFINITY) return false;
    for (let number = 0; number < this.#open.count; number++) {
      if (this.#open.call(number) > answerTime) break;
      const position = this.#open.position(number);
      if (!machine.isReset(position) || machine.group(position) !== group) continue;
      if (!this.#open.isUsed(number)) return false;
    }
    return true;
  }

  #lastMutation(): number {
    for (let depth = this.#depth - 1; depth >= 0; depth--) {
      if (this.#isForced[depth] === 0) return this.#operations[depth] as number;
    }
    return END;
  }

  #step(state: number, position: number): number {
    this.#steps += 1;
    return this.#machine.step(state, position);
  }

  #push(position: number, next: number, isForced: boolean): void {
    const depth = this.#depth++;
    const configuration = this.#configuration;
    this.#operations[depth] = position;
    this.#states[depth] = configuration.state;
    this.#tagStates[depth] = configuration.tagState;
    this.#tagOperations[depth] = configuration.tagOperation;
    this.#highs[depth] = configuration.high;
    this.#isForced[depth] = isForced ? 1 : 0;
    this.#futures?.place(position);
    const bit = this.#bitOf[position] as number;
    if (bit === -1) {
      this.#open.use(position);
      configuration.tagState = configuration.state;
      configuration.tagOperation = position;
    } else {
      this.#place(bit);
      if (this.#chain !== null && this.#chain[position] !== -1) this.#chainNext += 1;
      configuration.hash ^= this.#zobrist[position] as number;
      configuration.tagState = -1;
      configuration.tagOperation = -1;
      this.#tracks.remove(position);
      this.#left -= 1;
    }
    configuration.state = next;
  }

  #pop(): number {
    const depth = --this.#depth;
    const configuration = this.#configuration;
    const position = this.#operations[depth] as number;
    configuration.state = this.#states[depth] as number;
    configuration.tagState = this.#tagStates[depth] as number;
    configuration.tagOperation = this.#tagOperations[depth] as number;
    configuration.high = this.#highs[depth] as number;
    this.#futures?.takeBack(position);
    const bit = this.#bitOf[position] as number;
    if (bit === -1) {
      this.#open.release(position);
    } else {
      const word = bit >>> 5;
      this.#placed[word] = (this.#placed[word] as number) & ~(1 << (bit & 31));
      if (word < configuration.low) configuration.low = word;
      configuration.hash ^= this.#zobrist[position] as number;
      this.#tracks.restore(position);
      if (this.#chain !== null && this.#chain[position] !== -1) this.#chainNext -= 1;
      this.#left += 1;
    }
    return position;
  }

  #place(bit: number): void {
    const configuration = this.#configuration;
    const word = bit >>> 5;
    this.#placed[word] = (this.#placed[word] as number) | (1 << (bit & 31));
    if (word >= configuration.high) configuration.high = word + 1;
    while (this.#placed[configuration.low] === -1) configuration.low += 1;
  }

  /** @returns the last operation that had alternatives, taken back; END when there is none */
  #backtrack(): number {
    while (this.#depth > 0) {
      const isForced = this.#isForced[this.#depth - 1] === 1;
      const position = this.#pop();
      if (this.#depth < this.#bestCommon) this.#bestCommon = this.#depth;
      if (!isForced) return position;
    }
    return END;
  }

  /** Remembers the longest order. */
  #record(): void {
    const placed = this.#count - this.#left;
    if (placed <= this.#bestPlaced) return;
    this.#bestPlaced = placed;
    for (let depth = this.#bestCommon; depth < this.#depth; depth++) {
      this.#best[depth] = this.#operations[depth] as number;
    }
    this.#bestDepth = this.#depth;
    this.#bestCommon = this.#depth;
    let earliest = Number.POSITIVE_INFINITY;
    for (let track = 0; track < this.#tracks.count; track++) {
      const time = this.#tracks.firstAnswerTime(track);
      if (time >= earliest) continue;
      earliest = time;
      this.#bestBlocked = this.#tracks.firstAnswered(track);
    }
  }

  #outcome(verdict: SearchOutcome["verdict"], reason: StopReason | null): SearchOutcome {
    if (verdict !== "violation") this.#record();
    return {
      verdict,
      reason,
      order: this.#best.slice(0, Math.max(0, this.#bestDepth)),
      blocked: verdict === "ok" ? END : this.#bestBlocked,
      steps: this.#steps,
      configurations: this.#cache.size,
    };
  }
}

function ranksOf(ends: Float64Array): Int32Array {
  const positions = Array.from(ends, (_, position) => position);
  positions.sort((a, b) => (ends[a] as number) - (ends[b] as number) || a - b);
  const ranks = new Int32Array(ends.length);
  positions.forEach((position, rank) => (ranks[position] = rank));
  return ranks;
}

/** Spreads small numbers over 32 bits, so that the XOR of any few of them is as good as random. */
function scramble(position: number): number {
  let h = Math.imul(position + 1, 0x9e37_79b1);
  h = Math.imul(h ^ (h >>> 16), 0x21f0_aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a_2d97);
  return h ^ (h >>> 15);
}
