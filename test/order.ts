/** Which tests the gate runs, and which begin first; without `.test.ts`. */

/** Of the long ones, what no quick one stands for: the gate runs it in one run with the quick ones. */
export const GATE: readonly string[] = [
  ...["tls.slow", "watch.slow", "dashboard.slow", "fuzz.long", "partial-connectivity.slow"],
  ...["protocol.slow", "lost-cluster.slow", "command.slow", "fresh-seeds.long"],
  ...["regressions.slow", "compacted-away.slow"],
];

/** What takes longest, in this order: begun first, so that no core waits for it at the end. */
export const LONGEST: readonly string[] = [
  ...["tls.slow", "watch.slow", "dashboard.slow", "fuzz.long", "crash"],
  ...["partial-connectivity.slow", "prompts", "protocol.slow", "request-input", "e2e/watches"],
  ...["simulator/command.slow", "fresh-seeds.long", "cli", "regressions.slow", "abstract-level"],
  ...["embedded-node", "machine/tls", "data-lock", "sessions", "gateway/access", "planted"],
  ...["unsigned", "linearizability", "store-commands", "watch-hub", "determinism", "mutants"],
];
