/** What the processes of scripts/attacks.ts tell each other. */

export interface AttackNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
}

export interface AttackPlan {
  readonly attack: string;
  readonly nodes: readonly AttackNode[];
  readonly clusterId: string;
}

export type AttackerReport =
  | { readonly kind: "begun" }
  /** So far. */
  | { readonly kind: "sent"; readonly bytes: number; readonly connections: number };

/** For so long it is to measure. */
export interface HonestOrder {
  readonly ms: number;
}

export interface HonestReport {
  readonly served: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}
