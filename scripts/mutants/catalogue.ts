/** All mutants. docs/proof.md has the table of what finds each. */
import { AGREEMENT_MUTANTS } from "./agreement.ts";
import { CONSENSUS } from "./consensus.ts";
import { LINKS } from "./links.ts";
import { MISTAKES } from "./mistakes.ts";
import type { Mutant } from "./mutant.ts";
import { READ_PATH } from "./read-path.ts";
import { REFERENCE_DEFECTS } from "./reference-defects.ts";
import { REQUESTS } from "./requests.ts";
import { STORAGE } from "./storage.ts";

export interface MutantGroup {
  readonly title: string;
  readonly mutants: readonly Mutant[];
}

/** In the order of the table. */
export const MUTANT_GROUPS: readonly MutantGroup[] = [
  { title: "Defects that a reference implementation has or had", mutants: REFERENCE_DEFECTS },
  { title: "The protocol", mutants: CONSENSUS },
  { title: "Reads", mutants: READ_PATH },
  { title: "Requests, sessions and bounds", mutants: REQUESTS },
  { title: "Storage", mutants: STORAGE },
  { title: "Links", mutants: LINKS },
  { title: "Replicas that compare their states", mutants: AGREEMENT_MUTANTS },
  { title: "Disks that went back, lost disks", mutants: MISTAKES },
];

export const MUTANTS: readonly Mutant[] = MUTANT_GROUPS.flatMap(({ mutants }) => mutants);
