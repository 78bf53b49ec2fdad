/** Takes a backup of a node, piece by piece. */
import { KvError } from "../../base/index.ts";
import type { AdminResult } from "../../protocol/admin/index.ts";
import type { AdminClient } from "./lazy-admin-client.ts";
import { badArgument, wrongNodeId, wrongRequestOptions } from "../terms/index.ts";

/** The client asks for so many pieces in advance: on a slow network pieces need not wait for each other. */
const PIECES_AHEAD = 3;
/** A node that hears no majority says so within a few seconds, and a piece is small. */
const TIMEOUT_MS = 30_000;

/** A backup, as it comes. */
export interface TakenBackup {
  /** Which state of which cluster it is. */
  readonly about: AdminResult<"beginBackup">;
  /** To be read once, to its end: else the node keeps the state for half a minute, or as long as the client is not closed. */
  readonly pieces: AsyncGenerator<Uint8Array, void, undefined>;
}

/** It has no parameters that could be wrong. */
function isUnknownOperation(error: unknown): boolean {
  return error instanceof KvError && error.code === "BAD_REQUEST";
}

function wrongAdmin(admin: unknown): KvError | null {
  const isAdmin =
    typeof admin === "object" &&
    admin !== null &&
    "call" in admin &&
    typeof admin.call === "function";
  return isAdmin ? null : badArgument("admin", "what createAdminClient returns", admin);
}

function tooOld(node: number): KvError {
  const text = `node ${node} runs a version of omnikv that knows no backups: upgrade it first`;
  return new KvError("UNSUPPORTED_VERSION", text);
}

/**
 * Begins a backup: it holds every write that was acknowledged before this call.
 * @throws KvError as AdminClient does; NO_QUORUM when the node hears no majority; OVERLOADED when a backup of it is being made;
 *   UNSUPPORTED_VERSION when the node is too old for this. The pieces: CANCELLED when the node has given it up
 */
export async function takeBackup(
  admin: Pick<AdminClient, "call">,
  node: number,
  signal?: AbortSignal,
): Promise<TakenBackup> {
  const options = { timeoutMs: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
  const wrong = wrongAdmin(admin) ?? wrongNodeId("node", node) ?? wrongRequestOptions(options);
  // Checked before the node is asked: a node that knows no backups refuses in the same way.
  if (wrong !== null) throw wrong;
  const about = await admin.call(node, "beginBackup", {}, options).catch((error: unknown) => {
    throw isUnknownOperation(error) ? tooOld(node) : error;
  });
  const { backup } = about;
  const ask = (piece: number): Promise<AdminResult<"readBackup">> => {
    const answer = admin.call(node, "readBackup", { backup, piece }, options);
    // Requests for pieces beyond the end are refused; the loop has ended and reads none of those answers.
    answer.catch(() => {});
    return answer;
  };
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const asked: Promise<AdminResult<"readBackup">>[] = [];
    for (let piece = 0; ; piece++) {
      while (asked.length < PIECES_AHEAD) asked.push(ask(piece + asked.length));
      const next = await asked.shift();
      if (next === undefined || next.last) return;
      yield next.bytes;
    }
  }
  return { about, pieces: pieces() };
}
