/** What a turn may still do for watches, of all that WatchTurn says. */
import { PIECE_CHANGES_MIN, type WatchTurn } from "./watch-limits.ts";

export class TurnBudget {
  changes = 0;
  records = 0;
  bytes = 0;
  /** Changes that are taken out of the history at once; the revision that reaches it is the last. */
  piece = PIECE_CHANGES_MIN;
  readonly #turn: WatchTurn;
  readonly #changes: number;

  /** @param changes of `changes` and `pastChanges` of the turn, the one that counts */
  constructor(turn: WatchTurn, changes: number) {
    this.#turn = turn;
    this.#changes = changes;
    this.refill();
  }

  refill(): void {
    const { records, bytes } = this.#turn;
    this.changes = this.#changes;
    this.records = records;
    this.bytes = bytes;
  }

  get isSpent(): boolean {
    return this.changes <= 0 || this.records <= 0 || this.bytes <= 0;
  }
}
