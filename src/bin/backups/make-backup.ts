/** Takes a backup from the first node that can, and writes it down. */
import {
  createAdminClient,
  KvError,
  takeBackup,
  type AdminClient,
} from "../../client/api/index.ts";
import { printable } from "../../base/index.ts";
import { type BackupHeader, BackupWriter } from "../../storage/backup/index.ts";
import type { Output } from "../files/output.ts";
import { Progress } from "../files/progress.ts";
import { clientOptionsOf, type PromptSettings } from "../options/prompt-options.ts";

/** A node that can answer does so at once. */
const ASK_MS = 5000;

export interface BackupSource {
  readonly settings: PromptSettings;
  /** Null: any node. */
  readonly asked: number | null;
  readonly signal: AbortSignal;
}

export interface MadeBackup {
  readonly header: BackupHeader;
  /** How long the file is. */
  readonly bytes: number;
}

/**
 * @param open opens the output when a node has begun the backup; its caller gives it up when this throws
 * @throws KvError as `takeBackup`; what the output throws
 */
export async function makeBackup(
  { settings, asked, signal }: BackupSource,
  open: (header: BackupHeader) => Promise<Output>,
): Promise<MadeBackup> {
  const takenAt = new Date().toISOString();
  const admin = createAdminClient(clientOptionsOf(settings));
  try {
    const ids = asked === null ? settings.nodes.map(({ id }) => id) : [asked];
    const { about, pieces } = await begin(admin, ids, signal);
    const { clusterId: id, nodeId, appliedIdx, revision, keys, stateHash, version } = about;
    if (settings.clusterId !== null && settings.clusterId !== id) {
      const text = `node ${nodeId} says that its backup is of cluster "${printable(id)}"; it was asked for one of "${settings.clusterId}"`;
      throw new KvError("WRONG_CLUSTER", text);
    }
    const state = { clusterId: id, nodeId, appliedIdx, revision, keys, stateHash };
    const header = { ...state, takenAt, version };
    return { header, bytes: await writeBackup(await open(header), header, pieces) };
  } finally {
    admin.close();
  }
}

/** Of the log of the cluster. Null: it has none yet, or no node says. */
export async function originOf({ settings, asked, signal }: BackupSource): Promise<number | null> {
  const admin = createAdminClient(clientOptionsOf(settings));
  try {
    const ids = asked === null ? settings.nodes.map(({ id }) => id) : [asked];
    for (const id of ids) {
      try {
        const { origin = 0 } = await admin.call(id, "status", {}, { signal, timeoutMs: ASK_MS });
        if (origin !== 0) return origin;
      } catch (error) {
        // The backup itself will say what is wrong.
        if (!(error instanceof KvError)) throw error;
      }
    }
    return null;
  } finally {
    admin.close();
  }
}

/** @returns how many bytes that took */
export async function writeBackup(
  output: Output,
  header: BackupHeader,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const writer = new BackupWriter();
  const progress = new Progress(`backup from node ${header.nodeId}`);
  let bytes = 0;
  const put = async (chunk: Uint8Array): Promise<void> => {
    await output.write(chunk);
    bytes += chunk.length;
    progress.at(bytes);
  };
  try {
    await put(writer.begin(header));
    for await (const piece of pieces) await put(writer.piece(piece));
    await put(writer.end());
    await output.finish();
  } finally {
    progress.end();
  }
  return bytes;
}

/** From the first that can. @throws KvError of the last one, or what another node would say too */
async function begin(
  admin: AdminClient,
  ids: readonly number[],
  signal: AbortSignal,
): ReturnType<typeof takeBackup> {
  let last: unknown = null;
  for (const id of ids) {
    try {
      return await takeBackup(admin, id, signal);
    } catch (error) {
      if (!(error instanceof KvError) || !error.retryable) throw error;
      last = error;
    }
  }
  throw last;
}
