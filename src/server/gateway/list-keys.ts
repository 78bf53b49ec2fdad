import { bytesOf, byteStringOf, type ByteString, type KvState } from "../../store/index.ts";
import type { AdminParams, AdminResult } from "../../protocol/admin/index.ts";

/** Bytes of keys in one answer; at least one key comes along. */
const ANSWER_BYTES_MAX = 1024 * 1024;

export function listKeys(
  state: Pick<KvState, "readRange">,
  { prefix, after, limit }: AdminParams<"listKeys">,
): AdminResult<"listKeys"> {
  const first = byteStringOf(prefix);
  const past = after === null ? null : byteStringOf(after);
  // The first key after another one is that key and a zero byte.
  const start = past === null || past < first ? first : (`${past}\0` as ByteString);
  const keys: Uint8Array[] = [];
  let bytes = 0;
  // One key more than the limit tells whether there are more.
  for (const { key } of state.readRange({ start, limit: limit + 1 })) {
    if (!key.startsWith(first)) break;
    bytes += key.length;
    const full = keys.length === limit || (keys.length > 0 && bytes > ANSWER_BYTES_MAX);
    if (full) return { keys, more: true };
    keys.push(bytesOf(key));
  }
  return { keys, more: false };
}
