export {
  BUDGETS,
  CORE_DEFAULTS,
  coreOptions,
  type Budget,
  type CoreOptions,
} from "./core/options.ts";
export {
  search,
  type SearchHooks,
  type SearchLimits,
  type SearchResult,
  type Violation,
} from "./core/search.ts";
export { sayStep, type CoreStep } from "./core/steps.ts";
export { replayCore, walk, type WalkLimits, type WalkResult } from "./core/walks.ts";
export { sayReplicaStep, type ReplicaSetup, type ReplicaStep } from "./replicas/steps.ts";
export { replayReplicas, walkReplicas, type ReplicaWalkResult } from "./replicas/walk.ts";
