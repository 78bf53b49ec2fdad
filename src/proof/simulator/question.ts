/** A request of a client whose user may not do everything, and the rights that it needs. */
import type { Operation } from "../../client/core/index.ts";
import type { Where } from "../../store/index.ts";

export interface Question {
  readonly what: string;
  readonly operation: Operation;
  readonly reads: readonly Where[];
  readonly writes: readonly Where[];
  /** The keys of a lease, which only the log knows: the check that goes through the log decides whether it was permitted. */
  readonly needs?: "unknown";
}
