/**
 * Writes on their way into the log. Owns the writes of this node's clients that are not yet applied.
 *
 * Invariants:
 *   PROPOSALS-1. A group refused with a definite error has never been handed to the core, here or at a neighbour: a group that has
 *       is marked as maybeProposed when it is staged again.
 *   PROPOSALS-2. A batch handed to the core stays here until it is applied, its time is up, or the log is sealed; it may be
 *       handed over again at any time: the session table makes its commands take effect once. A batch of groups that are `once` is
 *       handed over once: nothing would keep them from taking effect again, over what others have changed in between. What came of
 *       one that is not applied in time, nobody knows.
 *   PROPOSALS-3. Bytes and commands held for clients are bounded: a group that does not fit is refused at once. Only a group that
 *       comes back from a neighbour, or from a neighbour's client, is taken all the same: it may have been proposed, so this node
 *       could not refuse it with a definite error. Each node holds so much for its own clients, so this is bounded too.
 *   PROPOSALS-4. While `underWayMax` batches are under way, new groups gather and make one batch together. A batch that has
 *       been under way for longer than `underWayTicks` does not count: it may be lost, or the way to the leader long.
 *       Groups gather also while `underWayBytesMax` bytes are under way, however long: larger messages and turns would hold back
 *       heartbeats.
 *   PROPOSALS-5. No route holds more than is free: one alone gets half of the room; k routes that want all of it get one part of
 *       k + 1 each, and as much is left for the next route.
 *   PROPOSALS-6. Groups that a neighbour serves count here, in bytes and commands, until they are settled: PROPOSALS-3 and
 *       PROPOSALS-5 still hold for them.
 */
import { UnderWay } from "../../base/index.ts";

/** What one route holds of all that may be held. */
export interface Held {
  readonly commands: number;
  readonly bytes: number;
}

const NOTHING_HELD: Held = { commands: 0, bytes: 0 };

/** One client frame's worth of commands. `R` is where its answers go. */
export interface StagedGroup<R> {
  readonly route: R;
  readonly group: Uint8Array;
  /** How many commands the group has. */
  readonly commands: number;
  readonly stagedTick: number;
  /** It was handed to the core once, here or elsewhere: this node can refuse it with no definite error any more. */
  readonly maybeProposed: boolean;
  /** PROPOSALS-2. Such groups are in batches of their own. */
  readonly once: boolean;
}

/** What one turn proposed as one log entry. */
export interface Batch<R> {
  readonly number: number;
  readonly entry: Uint8Array;
  readonly groups: readonly StagedGroup<R>[];
  /** When the first of its groups came in. */
  readonly sinceMs: number;
  /** When it was first handed to the core. */
  readonly proposedMs: number;
  /** Set anew each time it is handed to the core. */
  proposedTick: number;
  /** The leadership under which it was last handed over. */
  leadership: string;
}

export interface ProposalsOptions {
  /** Bytes of groups that may wait or be under way. */
  readonly bytesMax: number;
  /** So many commands may be in them. */
  readonly commandsMax: number;
  /** A group that could not be proposed for so long is refused: NO_QUORUM, definite. */
  readonly waitTicks: number;
  /** A batch that was handed over and not applied for so long is handed over again. */
  readonly retryTicks: number;
  /** A batch not applied for so long is forgotten: its clients have long given up. */
  readonly abandonTicks: number;
  /** See PROPOSALS-4. */
  readonly underWayMax: number;
  readonly underWayTicks: number;
  readonly underWayBytesMax: number;
  /** Groups are put together up to so many bytes; a larger one is an entry of its own. */
  readonly entryBytes: number;
  /** And so many at most. */
  readonly entryGroups: number;
}

export class Proposals<R> {
  readonly #options: ProposalsOptions;
  readonly #buildEntry: (batchNumber: number, groups: readonly Uint8Array[]) => Uint8Array;
  readonly #stamped: (route: R, group: Uint8Array) => Uint8Array;
  readonly #onHeld: (route: R, commands: number, bytes: number) => void;
  #staged: StagedGroup<R>[] = [];
  readonly #outstanding = new UnderWay<Batch<R>>();
  /** When the first group came in that is staged still; null: none, or in this turn. */
  #stagedSinceMs: number | null = null;
  #bytes = 0;
  #commands = 0;
  #nextBatch = 1;
  #tick = 0;

  /**
   * @param onHeld told of what each route holds here more, or less
   * @param stamped the group as it is to stand in the log; a moment before it is proposed
   */
  constructor(
    options: ProposalsOptions,
    buildEntry: (batchNumber: number, groups: readonly Uint8Array[]) => Uint8Array,
    onHeld: (route: R, commands: number, bytes: number) => void = () => {},
    stamped: (route: R, group: Uint8Array) => Uint8Array = (_, group) => group,
  ) {
    this.#options = options;
    this.#buildEntry = buildEntry;
    this.#onHeld = onHeld;
    this.#stamped = stamped;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing waits and nothing is under way. */
  get isEmpty(): boolean {
    return this.#staged.length === 0 && this.#outstanding.size === 0;
  }

  get commands(): number {
    return this.#commands;
  }

  /** Groups that were never handed over. */
  get hasStaged(): boolean {
    return this.#staged.length > 0;
  }

  /**
   * @param commands in the group
   * @param held by this route already
   * @returns false when there is no room: the caller refuses the group with OVERLOADED
   */
  stage(route: R, group: Uint8Array, commands: number, held: Held = NOTHING_HELD): boolean {
    const { bytesMax, commandsMax } = this.#options;
    const fits =
      this.#bytes + held.bytes + group.length <= bytesMax &&
      this.#commands + held.commands + commands <= commandsMax;
    // Alone, the largest group that a client may send is taken, or it could never be written.
    if (!fits && this.#commands > 0) return false;
    this.adopt(route, group, commands, 0, false);
    return true;
  }

  /**
   * A group that was at another node: see PROPOSALS-3.
   * @param ageTicks how long it has waited there
   * @param once see PROPOSALS-2
   */
  adopt(
    route: R,
    group: Uint8Array,
    commands: number,
    ageTicks: number,
    maybeProposed: boolean,
    once = false,
  ): void {
    this.#bytes += group.length;
    this.#commands += commands;
    this.#onHeld(route, commands, group.length);
    const stagedTick = this.#tick - ageTicks;
    this.#staged.push({ route, group, commands, stagedTick, maybeProposed, once });
  }

  ageTicks(group: StagedGroup<R>): number {
    return this.#tick - group.stagedTick;
  }

  /** Advances time. @returns the groups whose wait for a leader is over, taken out */
  tick(): readonly StagedGroup<R>[] {
    this.#tick += 1;
    const abandoned = this.#outstanding.takeWhere(({ groups: [first] }) => {
      return first !== undefined && this.#tick - first.stagedTick > this.#options.abandonTicks;
    });
    for (const { groups } of abandoned) this.#release(groups);
    return this.withdrawUnproposed(
      (group) => this.#tick - group.stagedTick > this.#options.waitTicks,
    );
  }

  /** Takes out the groups that were never proposed and fulfil `predicate`. */
  withdrawUnproposed(predicate: (group: StagedGroup<R>) => boolean): readonly StagedGroup<R>[] {
    const taken = this.#removeStaged(predicate);
    this.#release(taken);
    return taken;
  }

  /**
   * PROPOSALS-6: takes out every group that fulfils `predicate`, proposed or not, for a neighbour to serve. The caller must settle
   * each. Groups that were proposed together with them are staged again.
   */
  lend(predicate: (group: StagedGroup<R>) => boolean): readonly StagedGroup<R>[] {
    const lent = this.#removeStaged(predicate);
    const leaving = this.#outstanding.takeWhere(
      ({ groups }) => groups[0]?.once !== true && groups.some(predicate),
    );
    for (const group of leaving.flatMap(({ groups }) => groups)) {
      const known = { ...group, maybeProposed: true };
      if (predicate(group)) lent.push(known);
      else this.#staged.push(known);
    }
    return lent;
  }

  /** A group that was lent is answered, given back, or no longer wanted, as its client is gone. */
  settle(group: StagedGroup<R>): void {
    this.#release([group]);
  }

  /**
   * What to hand to the core now, given that a leader can be reached: the batches that may have been lost, and
   * what is staged, in as few entries as it fits, unless enough is under way (PROPOSALS-4).
   * @param leadership names the current leader and ballot; a batch handed over under another one is handed over again
   * @param nowMs the time of this turn
   * @param mayGetLost whether the way to the leader may lose a batch silently: false when the leader is this node
   */
  nextBatches(nowMs: number, leadership: string, mayGetLost: boolean): readonly Batch<R>[] {
    const { retryTicks, underWayMax, underWayTicks, underWayBytesMax } = this.#options;
    const { entryBytes, entryGroups } = this.#options;
    const batches: Batch<R>[] = [];
    let underWay = 0;
    let underWayBytes = 0;
    for (const batch of this.#outstanding.items) {
      const ticks = this.#tick - batch.proposedTick;
      const late = mayGetLost && ticks > retryTicks;
      if (batch.leadership === leadership && !late) {
        if (ticks <= underWayTicks) underWay += 1;
        underWayBytes += batch.entry.length;
        continue;
      }
      if (batch.groups[0]?.once === true) continue;
      underWay += 1;
      underWayBytes += batch.entry.length;
      batch.leadership = leadership;
      batch.proposedTick = this.#tick;
      batches.push(batch);
    }
    if (underWay >= underWayMax) return batches;
    const sinceMs = this.#stagedSinceMs ?? nowMs;
    let start = 0;
    while (start < this.#staged.length && underWayBytes < underWayBytesMax) {
      let end = start;
      let bytes = 0;
      for (; end < this.#staged.length; end++) {
        const length = this.#staged[end]?.group.length ?? 0;
        const isOther = this.#staged[end]?.once !== this.#staged[start]?.once;
        const isFull = bytes + length > entryBytes || end - start >= entryGroups;
        if (end > start && (isOther || isFull)) break;
        bytes += length;
      }
      batches.push(this.#batch(this.#staged.slice(start, end), sinceMs, nowMs, leadership));
      underWayBytes += bytes;
      start = end;
    }
    this.#staged = start === this.#staged.length ? [] : this.#staged.slice(start);
    return batches;
  }

  /** The turn ends. Groups that it could not propose wait from now on. */
  endTurn(nowMs: number): void {
    if (this.#staged.length === 0) this.#stagedSinceMs = null;
    else this.#stagedSinceMs ??= nowMs;
  }

  /** What was handed to the core as this batch, while it is under way. */
  entryOf(batchNumber: number): Uint8Array | undefined {
    return this.#outstanding.get(batchNumber)?.entry;
  }

  /** The batch is about to be applied on this node. @returns it, unless it was given up or handed to a neighbour */
  applied(batchNumber: number): Batch<R> | undefined {
    const batch = this.#outstanding.take(batchNumber);
    if (batch === undefined) return undefined;
    this.#release(batch.groups);
    return batch;
  }

  #batch(
    groups: StagedGroup<R>[],
    sinceMs: number,
    proposedMs: number,
    leadership: string,
  ): Batch<R> {
    const number = this.#nextBatch++;
    const entry = this.#buildEntry(
      number,
      groups.map(({ route, group }) => this.#stamped(route, group)),
    );
    const batch: Batch<R> = {
      number,
      entry,
      groups,
      sinceMs,
      proposedMs,
      proposedTick: this.#tick,
      leadership,
    };
    this.#outstanding.add(number, batch);
    return batch;
  }

  #removeStaged(predicate: (group: StagedGroup<R>) => boolean): StagedGroup<R>[] {
    const removed: StagedGroup<R>[] = [];
    const kept: StagedGroup<R>[] = [];
    for (const group of this.#staged) (predicate(group) ? removed : kept).push(group);
    if (removed.length > 0) this.#staged = kept;
    return removed;
  }

  #release(groups: readonly StagedGroup<R>[]): void {
    for (const { route, group, commands } of groups) {
      this.#bytes -= group.length;
      this.#commands -= commands;
      this.#onHeld(route, -commands, -group.length);
    }
  }
}
