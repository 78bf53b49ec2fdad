/** All mutants. docs/proof.md has the table of what finds each. */
import { AGREEMENT_MUTANTS } from "./agreement.ts";
import { CONSENSUS } from "./consensus.ts";
import { LEASE_MUTANTS } from "./leases.ts";
import { LINKS } from "./links.ts";
import { LOCKS } from "./locks.ts";
import { MISTAKES } from "./mistakes.ts";
import type { Mutant } from "./mutant.ts";
import { ACCESS } from "./access.ts";
import { RANGES } from "./ranges.ts";
import { READ_PATH } from "./read-path.ts";
import { REFERENCE_DEFECTS } from "./reference-defects.ts";
import { REQUESTS } from "./requests.ts";
import { STORAGE } from "./storage.ts";
import { TRANSACTIONS } from "./transactions.ts";
import { WATCHES } from "./watches.ts";

export const MUTANTS: readonly Mutant[] = [
  ...REFERENCE_DEFECTS,
  ...CONSENSUS,
  ...READ_PATH,
  ...RANGES,
  ...ACCESS,
  ...TRANSACTIONS,
  ...WATCHES,
  ...REQUESTS,
  ...STORAGE,
  ...LINKS,
  ...LOCKS,
  ...LEASE_MUTANTS,
  ...AGREEMENT_MUTANTS,
  ...MISTAKES,
];
