/** Follows, from outside, how a node receives a snapshot: by the files in its directory. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface Piece {
  /** Since the epoch. */
  readonly atMs: number;
  /** A transfer that begins anew has a file of its own, or another process. */
  readonly file: string;
  readonly bytes: number;
}

const EVERY_MS = 20;

export class TransferWatch {
  readonly #directory: string;
  readonly #pieces: Piece[] = [];
  readonly #timer: NodeJS.Timeout;
  #waiting: { readonly bytes: number; readonly resolve: (piece: Piece) => void } | null = null;

  constructor(nodeDirectory: string) {
    this.#directory = join(nodeDirectory, "snapshots");
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** @returns the next piece; at most one may be waited for */
  next(): Promise<Piece> {
    return this.reached(0);
  }

  /** @returns the next piece with which so many bytes of a snapshot are there */
  reached(bytes: number): Promise<Piece> {
    return new Promise((resolve) => {
      this.#waiting = { bytes, resolve };
    });
  }

  /** Bytes that were received, those of transfers that were given up too. */
  get receivedBytes(): number {
    let sum = 0;
    this.#pieces.forEach((piece, i) => {
      const before = this.#pieces[i - 1];
      const isSame = before?.file === piece.file && before.bytes <= piece.bytes;
      sum += piece.bytes - (isSame ? before.bytes : 0);
    });
    return sum;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const file of readdirSync(this.#directory)) {
      if (!file.startsWith("receiving-")) continue;
      const bytes = statSync(join(this.#directory, file), { throwIfNoEntry: false })?.size ?? 0;
      const last = this.#pieces.at(-1);
      if (bytes === 0 || (last?.file === file && last.bytes === bytes)) continue;
      const piece = { atMs: performance.timeOrigin + performance.now(), file, bytes };
      this.#pieces.push(piece);
      if (this.#waiting === null || bytes < this.#waiting.bytes) continue;
      this.#waiting.resolve(piece);
      this.#waiting = null;
    }
  }
}
