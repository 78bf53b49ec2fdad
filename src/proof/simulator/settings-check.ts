/** Settings of the cluster and changes of users have no session: nothing in the state keeps them from taking effect twice. */
import { assert, ByteReader } from "../../base/index.ts";
import { OP } from "../../store/operations/index.ts";
import { CommandCursor, validateEntry } from "../../store/index.ts";
import type { DecidedLog } from "./decided-log.ts";
import type { ToldSetting } from "./history.ts";

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

/**
 * A manager who was told that a setting holds was told the truth: it stands in the log where the node that was asked had applied it, and
 * had its effect there. One who was told that the state refuses it had it refused there.
 * @throws InvariantError that names the setting that does not fit
 */
export function checkToldSettings(told: readonly ToldSetting[], log: DecidedLog): void {
  for (const { name, code, from, to } of told) {
    const isTrue = log.settings.some(
      ({ idx, name: other, held }) =>
        other === name && idx >= from && idx < to && held === (code === null),
    );
    const text = `${code ?? "done"} was told of "${name}", and the log says something else between ${from} and ${to}`;
    assert(isTrue || isRefusedBefore(code), text);
  }
}

/** The node that was asked did not propose it. */
function isRefusedBefore(code: string | null): boolean {
  return code !== null && code !== "BAD_REQUEST";
}

/** Node, run and batch, which stand behind the version. */
function originOf(entry: Uint8Array): string {
  const reader = new ByteReader().reset(entry, 1);
  return `${reader.varint()}/${reader.u32()}/${reader.varint()}`;
}
