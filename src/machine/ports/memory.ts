/** The process's memory, as far as its size is the machine's to say. */
export interface Memory {
  read(): MemoryReading;
}

export interface MemoryReading {
  /** The process ends when its heap grows beyond. */
  readonly limitBytes: number;
  /** What the last full collection left of the heap; null: there was none yet. */
  readonly liveBytes: number | null;
  /** Full collections so far: tells whether `liveBytes` is news. */
  readonly collections: number;
}
