import { FIRST_ENTRY_VERSION } from "./command.ts";
import { LEASES_OF_WRITES } from "./lease-ids.ts";

/** By which rules the entry at hand is carried out (KvState). */
export class RulesAtHand {
  /** STATE-7. */
  isFirstVersion = false;
  /** STATE-12, and the rules of users and roles. */
  isBefore8 = false;
  /** STATE-11, of leases of writes. */
  isBefore10 = false;
  #met: number;

  /** @param hasLeasesOfWrites whether the state that it begins with has some */
  constructor(hasLeasesOfWrites: boolean) {
    this.#met = hasLeasesOfWrites ? LEASES_OF_WRITES : FIRST_ENTRY_VERSION;
  }

  /** The newest version of an entry that the log has had for sure: every node of the cluster has to read it. */
  get met(): number {
    return this.#met;
  }

  begin(version: number): void {
    this.isFirstVersion = version === FIRST_ENTRY_VERSION;
    this.isBefore8 = version < 8;
    this.isBefore10 = version < LEASES_OF_WRITES;
    if (version > this.#met) this.#met = version;
  }
}
