/** Says in the log what faulty peers do to this node, without filling it. */
import type { UnreadableEntries } from "../../store/index.ts";
import type { NodeId } from "../../omnipaxos/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";

export class PeerTrouble {
  readonly #replica: Replica;
  readonly #logger: Logger;
  readonly #refusals = new Map<NodeId, number>();
  /** When this process started: of others, with a snapshot. */
  readonly #before: number;
  #unreadable: number;

  constructor(replica: Replica, logger: Logger) {
    this.#replica = replica;
    this.#logger = logger;
    this.#before = replica.unreadableEntries.count;
    this.#unreadable = this.#before;
  }

  /** Entries that this process has passed over. */
  get unreadable(): UnreadableEntries {
    const { count, lastIdx } = this.#replica.unreadableEntries;
    return { count: count - this.#before, lastIdx };
  }

  /**
   * Said the first time, and then each time that it has happened twice as often.
   * @param reason null: all of the message was taken in
   */
  refused(peer: NodeId, reason: string | null): void {
    if (reason === null) return;
    const times = (this.#refusals.get(peer) ?? 0) + 1;
    this.#refusals.set(peer, times);
    if ((times & (times - 1)) !== 0) return;
    this.#logger.error(`node ${peer} sent what no sound node sends; it was not taken in`, {
      peer,
      reason,
      times,
    });
  }

  /** Cheap when nothing changed: it is asked once a tick. */
  update(): void {
    const { count, lastIdx } = this.#replica.unreadableEntries;
    if (count === this.#unreadable) return;
    this.#unreadable = count;
    this.#logger.error(
      "an entry of the log cannot be read: every node passes over it; a faulty node proposed it",
      { idx: lastIdx, entries: count },
    );
  }
}
