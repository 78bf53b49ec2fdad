import type { NodeId } from "./ballot.ts";
import type { WriteSeq } from "./effects.ts";
import type { ClusterConfig, CompleteSnapshot, Envelope } from "./messages.ts";

/** Everything that can happen to a node, as a value: a recorded list of inputs replays to the same effects. */
export type Input<T, S = never> =
  | { readonly kind: "tick" }
  | { readonly kind: "receive"; readonly envelope: Envelope<T, S> }
  | { readonly kind: "append"; readonly entry: T }
  | {
      readonly kind: "reconfigure";
      readonly nextConfig: ClusterConfig;
      readonly metadata: Uint8Array | null;
    }
  | { readonly kind: "trim"; readonly idx: number | null }
  | { readonly kind: "snapshot"; readonly idx: number | null; readonly localOnly: boolean }
  | {
      readonly kind: "compact";
      readonly compactIdx: number;
      readonly snapshot: CompleteSnapshot<S>;
    }
  | { readonly kind: "reconnected"; readonly pid: NodeId }
  | { readonly kind: "replaced"; readonly pid: NodeId }
  | { readonly kind: "tryBecomeLeader" }
  | { readonly kind: "handOver"; readonly to: NodeId }
  | { readonly kind: "setPriority"; readonly priority: number }
  | { readonly kind: "persisted"; readonly seq: WriteSeq };
