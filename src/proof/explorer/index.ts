export { coreOptions, type CoreOptions } from "./core/options.ts";
export { search, type SearchResult, type Violation } from "./core/search.ts";
export { sayStep, type CoreStep } from "./core/steps.ts";
export { replayCore, walk } from "./core/walks.ts";
export { sayReplicaStep, type ReplicaSetup, type ReplicaStep } from "./replicas/steps.ts";
export { replayReplicas, walkReplicas } from "./replicas/walk.ts";
