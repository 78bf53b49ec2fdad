/**
 * Measures locks and leases as a process of its own, from the built program: run by scripts/bench-locks.ts, not by hand. What runs
 * TypeScript pays for it in every closure, and the clients of both systems are here.
 */
import { exitOnSignals } from "./entry.ts";
import { measureLocks, type LockBenchOptions } from "./locks.ts";

exitOnSignals();
process.on("disconnect", () => process.exit(1));
console.log(await measureLocks(JSON.parse(process.argv[2] ?? "") as LockBenchOptions));
process.exit(0);
