/** The process's memory, as far as the machine determines its size. */
export interface Memory {
  read(): MemoryReading;
}

export interface MemoryReading {
  /** The process ends when its heap grows beyond this. */
  readonly limitBytes: number;
  /** What the last full collection left of the heap; null: there was none yet. */
  readonly liveBytes: number | null;
  /** Full collections so far: tells whether `liveBytes` is news. */
  readonly collections: number;
}
