import type { KeyLine } from "../../prompt/terminal/index.ts";

/** Written as one batch: so many keys, or so many bytes of them. */
const BATCH_KEYS = 4096;
const BATCH_BYTES = 8 * 1024 * 1024;

export interface NumberedLine extends KeyLine {
  readonly line: number;
}

/**
 * Writes lines in batches, in their order. No key is in a batch twice: its operations take effect in any order, and the last line of a key
 * must count.
 */
export class LineBatches {
  readonly #write: (lines: readonly NumberedLine[]) => Promise<void>;
  #lines: NumberedLine[] = [];
  readonly #keys = new Set<string>();
  #bytes = 0;

  /** @param write resolves when all of them have taken effect */
  constructor(write: (lines: readonly NumberedLine[]) => Promise<void>) {
    this.#write = write;
  }

  async add(line: NumberedLine): Promise<void> {
    // As many characters as bytes: another text for other bytes.
    const key = Buffer.from(line.key).toString("latin1");
    if (this.#keys.has(key)) await this.flush();
    this.#keys.add(key);
    this.#lines.push(line);
    this.#bytes += line.key.length + line.value.length;
    if (this.#lines.length >= BATCH_KEYS || this.#bytes >= BATCH_BYTES) await this.flush();
  }

  /** Writes what is left. */
  async flush(): Promise<void> {
    const lines = this.#lines;
    this.#lines = [];
    this.#keys.clear();
    this.#bytes = 0;
    await this.#write(lines);
  }
}
