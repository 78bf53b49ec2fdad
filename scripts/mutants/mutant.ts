/**
 * Bugs to be planted, one at a time, in a copy of the source: the tools that are to find bugs must be able to fail.
 *
 * Each patch replaces text that stands exactly once in its file, so that the source cannot move on without the catalogue.
 */
export interface Patch {
  /** Below the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /** What the product would do wrong. */
  readonly breaks: string;
  readonly patches: readonly Patch[];
  /**
   * What is to find it: the simulator, the simulator with mistakes in every run, or these test files where the product has no
   * use for what is broken.
   */
  readonly by: "sim" | "mistakes" | readonly string[];
  /** Options of `omnikv explore` that find it too. */
  readonly explore?: string;
}

export const CORE = "src/omnipaxos";
export const PAXOS = "src/omnipaxos/sequence-paxos";
export const CORE_TESTS = [
  "test/omnipaxos/defects-election.test.ts",
  "test/omnipaxos/defects-replication.test.ts",
  "test/omnipaxos/partial-connectivity.test.ts",
];

export function patch(file: string, find: string, replace: string): Patch {
  return { file, find, replace };
}

/** No name of a process is looked at. */
export const ANY_BOOT = patch(
  "src/replica/replica.ts",
  "isReplicaAnswer(message) && message.boot !== this.#bootId",
  "isReplicaAnswer(message) && message.boot < 0",
);
