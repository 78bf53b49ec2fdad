/** What commands for the whole cluster ask for. */
import type { LinkChange } from "../../client/admin/index.ts";
import type { LinkPair, NamedScenario } from "../../client/scenarios/index.ts";
import type { AccessAction } from "./access-action.ts";
import type { NodeOrLeader } from "../terminal/index.ts";

export type ScenarioRequest =
  | { readonly kind: "named"; readonly name: NamedScenario; readonly hub: number | null }
  | { readonly kind: "order"; readonly name: "chain" | "ring"; readonly order: readonly number[] }
  | { readonly kind: "cloudflare"; readonly pair: LinkPair }
  | { readonly kind: "isolate"; readonly node: NodeOrLeader }
  | { readonly kind: "partition"; readonly groups: readonly (readonly number[])[] };

export type ServerAction = "crash" | "restart" | "pause" | "resume";

/** A setting of the cluster, by the name that users know. */
export type SettingName = "quota" | "history.revisions" | "history.bytes";

/** Settings of the cluster: any node is asked. */
export type SettingAction =
  /** Null: all of them. */
  | { readonly op: "showSettings"; readonly name: SettingName | null }
  /** Null: the default. */
  | { readonly op: "changeSetting"; readonly name: SettingName; readonly value: number | null }
  | { readonly op: "compact"; readonly revision: number };

export type ClusterAction =
  | AccessAction
  | { readonly op: "scenario"; readonly name: string; readonly request: ScenarioRequest }
  | {
      readonly op: "changeLinks";
      readonly name: "flaky" | "delay";
      readonly changes: readonly LinkChange[];
      /** Which links, and what becomes of them: "link 1-2 loses 30 % of its messages". */
      readonly words: string;
    }
  | { readonly op: "healAll" }
  | { readonly op: "table" }
  /** Null: until it is ended. */
  | { readonly op: "watch"; readonly forMs: number | null }
  | { readonly op: "waitLeader"; readonly timeoutMs: number }
  | SettingAction
  | { readonly op: "sleep"; readonly ms: number }
  | { readonly op: "server"; readonly what: ServerAction; readonly node: NodeOrLeader };
