/** What a client asks whose user may not do everything, and what it takes to be permitted. */
import type { Operation } from "../../client/core/index.ts";
import type { Where } from "../../store/index.ts";

export interface Question {
  readonly what: string;
  readonly operation: Operation;
  readonly reads: readonly Where[];
  readonly writes: readonly Where[];
  /** The keys of a lease, which the log alone knows: whoever goes through it anew says whether it was permitted. */
  readonly needs?: "unknown";
}
