/** What a turn may still do for watches, of all that WatchTurn says. */
import { PIECE_CHANGES_MIN, type WatchTurn } from "./watch-limits.ts";

export class TurnBudget {
  changes = 0;
  records = 0;
  bytes = 0;
  /** Changes that are taken out of the history at once; the revision that reaches it is the last. */
  piece = PIECE_CHANGES_MIN;
  readonly #turn: WatchTurn;

  constructor(turn: WatchTurn) {
    this.#turn = turn;
    this.refill();
  }

  refill(): void {
    const { changes, records, bytes } = this.#turn;
    this.changes = changes;
    this.records = records;
    this.bytes = bytes;
  }

  get isSpent(): boolean {
    return this.changes <= 0 || this.records <= 0 || this.bytes <= 0;
  }
}
