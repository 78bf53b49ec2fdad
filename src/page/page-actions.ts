/** What the page can do. Every promise rejects with a KvError whose message can be shown. */
import type { SomeLinkFault } from "../base/index.ts";
import type { CasCondition } from "../client/terms/index.ts";
import type { NamedScenario } from "../client/scenarios/index.ts";
import type { ShownCoordination } from "./coordination.ts";
import type { KeyLevel } from "./key-level.ts";
import type { TxnDraft } from "./txn-draft.ts";

export interface ShownRead {
  readonly found: boolean;
  /** UTF-8 text, or null where the bytes are none (then `hex`, which is empty otherwise). */
  readonly text: string | null;
  readonly hex: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** The node that answered. */
  readonly node: number;
}

/** A version of a key. */
export interface ShownVersion {
  readonly revision: number;
  /** 0: it was deleted. */
  readonly version: number;
  /** Null: it was deleted. A null text is none. */
  readonly value: { readonly text: string | null; readonly hex: string } | null;
}

/** The newest versions first. */
export interface ShownHistory {
  readonly versions: readonly ShownVersion[];
  /** Older ones are kept, and not shown. */
  readonly more: boolean;
}

export type ShownCommit =
  | { readonly committed: true; readonly revision: number; readonly node: number }
  | {
      readonly committed: false;
      /** The checks that did not hold, and the revision of what is there instead; null: there is no such key. */
      readonly conflicts: readonly { readonly key: string; readonly revision: number | null }[];
      readonly node: number;
    };

/** Through which node; null: through any that can serve. */
export type Through = number | null;
export type ReadMode = "linearizable" | "local";

export type ShownSwap =
  | { readonly swapped: true; readonly revision: number; readonly node: number }
  | {
      readonly swapped: false;
      /** The present value instead; null: nothing. A null text is none, or too large to come along. */
      readonly found: { readonly text: string | null; readonly revision: number } | null;
      readonly node: number;
    };

export interface ShownChange {
  readonly revision: number;
  readonly kind: "put" | "delete";
  /** A key that is no UTF-8 is shown in hexadecimal. */
  readonly key: string;
  /** The beginning of it, in hexadecimal where it is no UTF-8; null: the key was deleted. */
  readonly value: string | null;
}

export type TailNews =
  /** From this revision on. */
  | { readonly kind: "begun"; readonly revision: number }
  | { readonly kind: "changes"; readonly changes: readonly ShownChange[] }
  /** It is over. */
  | { readonly kind: "failed"; readonly text: string };

export interface PageActions {
  /**
   * The page asks everything as this user from now on.
   * @throws KvError UNAUTHENTICATED, when there is no such user or the password is wrong; then nothing has changed
   */
  signIn(user: string, password: string): Promise<void>;
  signOut(): void;
  /** @param direction from the first node to the second, or both */
  breakLink(from: number, to: number, direction: "both" | "oneWay"): Promise<void>;
  restoreLink(from: number, to: number, direction: "both" | "oneWay"): Promise<void>;
  /** Loses some messages of both directions, or delays them; a value that is not given stays. */
  degradeLink(a: number, b: number, fault: SomeLinkFault): Promise<void>;
  /** @returns what the scenario did, one sentence; names nodes that could not be told */
  runScenario(name: NamedScenario): Promise<string>;
  isolate(node: number): Promise<string>;
  /** Makes the links of this node whole, and no other. */
  restoreLinksOf(node: number): Promise<string>;
  /** @param groups node ids: "1,2 | 3"; nodes that are not named form a group of their own */
  partition(groups: string): Promise<string>;
  healAll(): Promise<string>;

  read(through: Through, key: string, mode: ReadMode): Promise<ShownRead>;
  write(
    through: Through,
    key: string,
    value: string,
  ): Promise<{ readonly revision: number; readonly node: number }>;
  delete(
    through: Through,
    key: string,
  ): Promise<{ readonly existed: boolean; readonly node: number }>;
  /** Writes only if the condition holds. */
  cas(through: Through, key: string, condition: CasCondition, value: string): Promise<ShownSwap>;
  /** What the key was before. */
  history(through: Through, key: string, mode: ReadMode): Promise<ShownHistory>;
  /** Checks and changes as one step; that a check does not hold is a result. */
  commit(through: Through, txn: TxnDraft): Promise<ShownCommit>;
  /**
   * A page of one level of the tree of keys; each page is of its own moment.
   * @param prefix only what begins with it; the level is that of its last "/"
   * @param resume of the page before; null: from the beginning
   */
  keyLevel(
    through: Through,
    mode: ReadMode,
    prefix: string,
    resume: Uint8Array | null,
  ): Promise<KeyLevel>;
  /** How many keys begin with the prefix. Looks at each of them. */
  countKeys(through: Through, mode: ReadMode, prefix: string): Promise<number>;

  /**
   * Tells of changes of the keys with this prefix, from now on, through any number of nodes.
   * @returns ends it; nothing is told afterwards
   */
  follow(through: Through, prefix: string, told: (news: TailNews) => void): () => void;

  /** Leases, locks and elections as they are now. */
  coordination(through: Through): Promise<ShownCoordination>;

  /** Writes to the keys load/… at this rate from now on; 0: no more. */
  setLoad(perSecond: number): void;

  /** Kept in memory only. */
  giveSecret(secret: string): void;
}
