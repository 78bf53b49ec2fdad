/** One node without its machine: no sockets, files or timers. */
export type { Divergence, Outvoted, Verdict } from "./trust/agreement.ts";
export type { ReceivedPiece } from "./snapshots/catch-up.ts";
export { type CompactionPolicy, DEFAULT_COMPACTION, dueLogBytes } from "./snapshots/compaction.ts";
export { nameOf, deniedText } from "./requests/denied.ts";
export { innerRoute } from "./requests/inner-route.ts";
export { nodesText } from "./requests/nodes-text.ts";
export type {
  DueSnapshot,
  ReplicaOptions,
  TurnEffects,
  WantedPiece,
} from "./turn/replica-options.ts";
export { Replica } from "./replica.ts";
export { RouteLoad } from "./requests/route-load.ts";
export { WorkPace } from "./requests/work-pace.ts";
export type { Route } from "./requests/route.ts";
export type { AppliedEntry, RequestMetrics } from "./requests/request-metrics.ts";
export type { SettingDone } from "./writes/setting-route.ts";
export { SLOW_READ_MS, type SlowReadCounter } from "./requests/slow-reads.ts";
export type { SlowWriteCounter } from "./requests/slow-writes.ts";
export type { MemoryLevel } from "./writes/space.ts";
export type { WatchStats } from "./watches/watch-hub.ts";
export { DEFAULT_WATCH_LIMITS, watchLimitsFor, type WatchLimits } from "./watches/watch-limits.ts";
export type { WatchRoute } from "./watches/watch.ts";
export { mayReadAll, placesOf } from "./turn/answer-reads.ts";
