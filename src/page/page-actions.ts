/** What the page can do. Every promise rejects with a KvError whose message can be shown. */
import type { NamedScenario } from "../scenarios/index.ts";

export interface ShownRead {
  readonly found: boolean;
  /** UTF-8 text, or null where the bytes are none (then `hex`). */
  readonly text: string | null;
  readonly hex: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

export interface PageActions {
  /** @param direction from the first node to the second, or both */
  breakLink(from: number, to: number, direction: "both" | "oneWay"): Promise<void>;
  restoreLink(from: number, to: number, direction: "both" | "oneWay"): Promise<void>;
  /** Loses some messages of both directions, or delays them; what is not given stays. */
  degradeLink(
    a: number,
    b: number,
    fault: { readonly dropPermille?: number; readonly delayMs?: number },
  ): Promise<void>;
  /** @returns what was done, one sentence; names nodes that could not be reached */
  runScenario(name: NamedScenario): Promise<string>;
  isolate(node: number): Promise<string>;
  /** @param groups node ids: "1,2 | 3"; nodes that are not named form a group of their own */
  partition(groups: string): Promise<string>;
  healAll(): Promise<string>;

  read(node: number, key: string, mode: "linearizable" | "local"): Promise<ShownRead>;
  write(node: number, key: string, value: string): Promise<{ readonly revision: number }>;
  delete(node: number, key: string): Promise<{ readonly existed: boolean }>;
  cas(
    node: number,
    key: string,
    /** Null: only if there is no such key. */
    expected: string | null,
    value: string,
  ): Promise<{ readonly swapped: boolean; readonly found: string | null }>;
  /** Keys in order, from `after` on (exclusive), that begin with `prefix`; local to the node. */
  keys(
    node: number,
    prefix: string,
    after: string | null,
  ): Promise<{
    readonly keys: readonly string[];
    readonly more: boolean;
    /** Keys in between that are no UTF-8 and so cannot be shown. */
    readonly unreadable: number;
  }>;

  /** Kept in memory only. */
  giveSecret(secret: string): void;
}
