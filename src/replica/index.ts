/** One node without its machine. */
export type { Divergence, Outvoted, Verdict } from "./agreement.ts";
export { sameSnapshot, type SnapshotSink } from "./catch-up.ts";
export { type CompactionPolicy, DEFAULT_COMPACTION, dueLogBytes } from "./compaction.ts";
export { nameOf, unknownText } from "./denied.ts";
export { innerRoute } from "./inner-route.ts";
export { nodesText } from "./nodes-text.ts";
export type { DueSnapshot, ReplicaOptions, TurnEffects, WantedPiece } from "./replica-options.ts";
export { Replica } from "./replica.ts";
export { RouteLoad } from "./route-load.ts";
export type { Route } from "./route.ts";
export type { AppliedEntry, RequestMetrics } from "./request-metrics.ts";
export type { SettingDone } from "./setting-route.ts";
export type { SlowWriteCounter } from "./slow-writes.ts";
export type { MemoryLevel } from "./space.ts";
export type { WatchStats } from "./watch-hub.ts";
export { DEFAULT_WATCH_LIMITS, type WatchLimits } from "./watch-limits.ts";
export type { WatchRoute } from "./watch.ts";
export { mayReadAll } from "./answer-reads.ts";
