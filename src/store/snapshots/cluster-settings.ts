/**
 * The settings of the cluster that are part of the state: what they are, and how a snapshot has them.
 *
 * They travel as one object, so that a restore and a copy carry a new one as they carry the others; and `writeSettings` does not compile
 * while one is missing in it.
 */
import type { ByteReader, ByteWriter } from "../../base/index.ts";
import { DEFAULT_BOUND, type HistoryBound } from "../history/history-bound.ts";

export interface ClusterSettings {
  /** What the state may cost, in bytes; null: nobody has set it. */
  readonly quotaBytes: number | null;
  /** How much history is kept. */
  readonly historyBound: HistoryBound;
}

export const DEFAULT_SETTINGS: ClusterSettings = { quotaBytes: null, historyBound: DEFAULT_BOUND };

export function writeSettings(out: ByteWriter, settings: ClusterSettings): void {
  const { quotaBytes, historyBound, ...missing } = settings;
  missing satisfies Readonly<Record<string, never>>;
  out.varint(quotaBytes ?? 0);
  out.varint(historyBound.revisions ?? 0);
  out.varint(historyBound.bytes ?? 0);
}

/** @param has which of them a snapshot of this version has; of the others the default holds */
export function readSettings(
  reader: ByteReader,
  has: { readonly quota: boolean; readonly history: boolean },
): ClusterSettings {
  return {
    quotaBytes: has.quota ? readSetting(reader) : DEFAULT_SETTINGS.quotaBytes,
    historyBound: has.history ? readBound(reader) : DEFAULT_SETTINGS.historyBound,
  };
}

function readBound(reader: ByteReader): HistoryBound {
  const revisions = readSetting(reader);
  return { revisions, bytes: readSetting(reader) };
}

function readSetting(reader: ByteReader): number | null {
  const value = reader.varint();
  return value === 0 ? null : value;
}
