/** The events that runs have met, counted by name: "fault crash", "sent promise", "role leader/accept". */
export class Coverage {
  readonly #counts = new Map<string, number>();

  /** Counts it once more, or so many times. */
  hit(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times);
  }

  /** How often it was come across; 0: never. */
  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Adds what another run has counted, as `toRecord` gives it. */
  merge(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.hit(name, count);
  }

  /** By name. */
  toRecord(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
