/** Who holds locks or leads elections, and who waits, read from the keys of locks. */
import { lockKeyIn, type LockMode, placeOfNames } from "./lock-keys.ts";
import type { KeyValue } from "../terms/index.ts";

/** A lock that some process holds or waits for. */
export interface LockInfo {
  readonly name: string;
  readonly mode: LockMode;
  readonly owner: string;
  /** The token of a lock that is held; of one that is waited for, the revision since which the request waits. */
  readonly revision: number;
}

/** The locks of one state of the store. */
export interface LockQuery {
  readonly held: readonly LockInfo[];
  /** In the order in which the requests came. */
  readonly pending: readonly LockInfo[];
}

/** @param list keys with a prefix, in one state of the store */
export async function holdersIn(
  list: (prefix: string) => AsyncIterable<KeyValue>,
  root: string,
  namePrefix = "",
): Promise<LockQuery> {
  const held: LockInfo[] = [];
  const pending: LockInfo[] = [];
  for await (const { key, value, createRevision } of list(placeOfNames(root, namePrefix))) {
    const at = lockKeyIn(root, Buffer.from(key).toString("utf8"));
    if (at === null || !at.name.startsWith(namePrefix)) continue;
    const { mode } = at;
    const name = at.name.slice(namePrefix.length);
    const owner = Buffer.from(value).toString("utf8");
    (at.isHeld ? held : pending).push({ name, mode, owner, revision: createRevision });
  }
  // The order of their keys is that of lease ids, which means nothing to users.
  const inOrder = (locks: readonly LockInfo[]): LockInfo[] =>
    locks.toSorted((a, b) => a.revision - b.revision);
  return { held: inOrder(held), pending: inOrder(pending) };
}
