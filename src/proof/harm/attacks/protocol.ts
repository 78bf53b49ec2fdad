/** What the processes of an attack tell each other. */
import type { ClusterNode } from "../../../server/config/index.ts";

export interface Credential {
  readonly user: string;
  readonly password: string;
}

export interface Secured {
  /** In PEM form: by which the servers are known. */
  readonly ca: string;
  readonly root: Credential;
  readonly honest: Credential;
  readonly attacker: Credential;
}

export interface AttackPlan {
  readonly attack: string;
  readonly nodes: readonly ClusterNode[];
  readonly clusterId: string;
  /** Null: in plain text, and without users. */
  readonly secured: Secured | null;
  /** What the attack needs is to be put there, or it is to run. */
  readonly part: "prepare" | "run";
}

export type AttackerReport =
  | { readonly kind: "begun" }
  /** So far. */
  | { readonly kind: "sent"; readonly bytes: number; readonly connections: number };

export interface HonestOrder {
  /** For so long it is to measure. */
  readonly ms: number;
  readonly phase: "warm" | "without" | "during";
}

/** What the honest client saw, in all times of one phase together. */
export interface HonestReport {
  readonly served: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  /** The p99 of the last time alone. */
  readonly lastP99Ms: number;
}
