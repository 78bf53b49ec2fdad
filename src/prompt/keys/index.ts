/** What the commands on keys do, and their answers in words. */
export { type LeaseCalls, leaseOutcome } from "./lease-outcome.ts";
export { type LoadClock, loadKeys } from "./load-keys.ts";
export { rangeOutcome } from "./range-outcome.ts";
export { type StoreCalls, storeOutcome } from "./store-outcome.ts";
export { txnOutcome } from "./txn-outcome.ts";
export { type WatchCalls, watchKeys } from "./watch-keys.ts";
