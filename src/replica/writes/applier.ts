/**
 * Applies decided entries to the key-value state. Answers go to the clients whose frames made the entry, which only the
 * node that made it knows; everywhere else the same entry is applied in silence.
 */
import { type AnyBytes, assert, ERRORS } from "../../base/index.ts";
import {
  OwnEntries,
  Runs,
  STATUS,
  type Actor,
  type AnswerSink,
  type KvState,
} from "../../store/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import type { Batch } from "./proposals.ts";
import { Refused } from "../requests/refused.ts";
import type { Route } from "../requests/route.ts";

const NO_SPACE = ERRORS.NO_SPACE.wire;
/**
 * Bytes of values in answers to failed cas in one turn, for all clients together: a few bytes of a frame ask for a megabyte. Who is told
 * no value reads the key.
 */
const TURN_VALUES_BYTES_MAX = 4 * 1024 * 1024;
/** The same of what transactions found. */
const TURN_RESULTS_BYTES_MAX = 4 * 1024 * 1024;
/**
 * A client that has had fewer bytes of answers in this turn is told all the same what its transaction found: nobody takes that from it, and
 * it may be kept nowhere else.
 */
const OWN_BYTES = 256 * 1024;

export class Applier implements AnswerSink {
  readonly #own: OwnEntries;
  readonly #answered: (route: Route) => void;
  #state: KvState;
  #batch: Batch<Route> | undefined;
  #route: Route | undefined;
  /** How many commands of the entry at hand have been applied. */
  #commands = 0;
  /** How many bytes this turn's answers have: of values that a cas found, and of what transactions found. */
  #valueBytes = 0;
  #resultBytes = 0;
  /** Commands of the present group that had no space: their client gets a text beside the code. */
  #noSpace: { readonly session: number; readonly runs: Runs } | null = null;
  readonly #noSpaceText: (actor: Actor | null) => string;
  readonly #compacting: () => void;
  readonly #refused: Refused;

  /**
   * @param nonce random per process start
   * @param answered told of each client that got an answer
   * @param noSpaceText for clients whose commands exceed the quota
   * @param compacting told before an entry's own changes are compacted
   * @param refused where that is counted
   */
  constructor(
    node: NodeId,
    nonce: number,
    state: KvState,
    answered: (route: Route) => void,
    noSpaceText: (actor: Actor | null) => string,
    compacting: () => void = () => {},
    refused: Refused = new Refused(),
  ) {
    this.#compacting = compacting;
    this.#refused = refused;
    this.#noSpaceText = noSpaceText;
    this.#own = new OwnEntries({ node, nonce });
    this.#state = state;
    this.#answered = answered;
  }

  get state(): KvState {
    return this.#state;
  }

  get appliedIdx(): number {
    return this.#state.appliedIdx;
  }

  beginTurn(): void {
    this.#valueBytes = 0;
    this.#resultBytes = 0;
  }

  /** The number of the batch if this node made the entry in this run, else null. */
  ownBatch(entry: Uint8Array): number | null {
    return this.#own.batchOf(entry);
  }

  /**
   * @param batch whose clients wait here; undefined when none do
   * @param isChecked this very entry has been checked before
   * @returns the number of commands
   */
  apply(entry: Uint8Array, batch: Batch<Route> | undefined, isChecked: boolean): number {
    this.#batch = batch;
    this.#commands = 0;
    this.#state.apply(entry, this.#state.appliedIdx, this, isChecked);
    this.#tellNoSpace();
    this.#batch = undefined;
    this.#route = undefined;
    return this.#commands;
  }

  /** A snapshot takes the place of the state. */
  install(state: KvState): void {
    assert(state.appliedIdx > this.#state.appliedIdx, "a snapshot only ever leads forward");
    this.#state = state;
  }

  beginGroup(index: number): void {
    this.#tellNoSpace();
    const route = this.#batch?.groups[index]?.route;
    this.#route = route?.isOpen() === true ? route : undefined;
    if (this.#route !== undefined) this.#answered(this.#route);
  }

  answer(
    session: number,
    sequence: number,
    status: number,
    revision: number,
    actual: AnyBytes | undefined,
  ): void {
    this.#commands += 1;
    if (this.#route === undefined) return;
    if (status === STATUS.casFailed && actual !== undefined && actual.length > 0) {
      if (this.#valueBytes >= TURN_VALUES_BYTES_MAX) {
        this.#route.answers.write(session, sequence, STATUS.casFailedLarge, revision, undefined);
        return;
      }
      this.#valueBytes += actual.length;
    }
    if ((status === STATUS.txnThen || status === STATUS.txnElse) && actual !== undefined) {
      const { answers } = this.#route;
      if (this.#resultBytes >= TURN_RESULTS_BYTES_MAX && answers.bytes >= OWN_BYTES) {
        answers.write(session, sequence, status, revision, undefined);
        return;
      }
      this.#resultBytes += actual.length;
    }
    if (status !== NO_SPACE) {
      this.#route.answers.write(session, sequence, status, revision, actual);
      return;
    }
    this.#noSpace ??= { session, runs: new Runs() };
    this.#noSpace.runs.add(sequence);
  }

  #tellNoSpace(): void {
    const told = this.#noSpace;
    if (told === null) return;
    this.#noSpace = null;
    const text = this.#noSpaceText(this.#route?.actor ?? null);
    this.#route?.answers.refuseRuns(told.session, told.runs.list, "NO_SPACE", text);
    this.#refused.add("write", "NO_SPACE");
  }

  compacting(): void {
    this.#compacting();
  }

  opened(sequence: number, nonce: Uint8Array, session: number): void {
    this.#route?.answers.opened(sequence, nonce, session, this.#state.origin);
  }
}
