/** Settings of the cluster and changes of users have no session: nothing in the state keeps them from taking effect twice. */
import { assert, ByteReader } from "../../base/index.ts";
import { OP } from "../../store/operations/index.ts";
import { CommandCursor, validateEntry } from "../../store/index.ts";

const ONCE: ReadonlySet<number> = new Set([OP.setQuota, OP.setHistory, OP.access]);

/** @throws InvariantError when the log has one proposal of them at two places: the later one undoes what was set between */
export function checkSettings(entries: readonly Uint8Array[]): void {
  const places = new Map<string, number>();
  const cursor = new CommandCursor();
  entries.forEach((entry, idx) => {
    if (validateEntry(entry) !== null) return;
    cursor.reset(entry);
    let isSetting = false;
    while (cursor.next()) if (ONCE.has(cursor.op)) isSetting = true;
    if (!isSetting) return;
    const origin = originOf(entry);
    const before = places.get(origin);
    assert(before === undefined, `a setting is in the log twice, at ${before} and at ${idx}`);
    places.set(origin, idx);
  });
}

/** Node, run and batch, which stand behind the version. */
function originOf(entry: Uint8Array): string {
  const reader = new ByteReader().reset(entry, 1);
  return `${reader.varint()}/${reader.u32()}/${reader.varint()}`;
}
