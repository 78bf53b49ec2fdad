/**
 * What programs import: `import { createClient } from "omnikv"`.
 *
 *     const kv = createClient({ nodes: [{ id: 1, host: "127.0.0.1", port: 4101 }] });
 *     await kv.write("35", "hello");
 *     const result = await kv.read("35");
 *     kv.close();
 */
import { AdminClient, type AdminClientOptions } from "../client/admin-client.ts";
import { KvClient, type KvClientOptions } from "../client/kv-client.ts";
import { nodeClock } from "../platform/node-clock.ts";
import { createNodeRandom } from "../platform/node-random.ts";
import { WsNetwork } from "../platform/ws-network.ts";

export { AdminClient } from "../client/admin-client.ts";
export { takeBackup, type TakenBackup } from "../client/take-backup.ts";
export { KvClient } from "../client/kv-client.ts";
export type {
  Bytes,
  CasCondition,
  CasResult,
  DeleteResult,
  NodeAddress,
  ReadOptions,
  ReadResult,
  RequestOptions,
  Revision,
  WriteResult,
} from "../client/types.ts";
export { ERRORS, KvError, type ErrorCode } from "../base/errors.ts";

type Machine = "clock" | "random" | "network";

/** A client over web sockets. Nothing is connected before the first request. */
export function createClient(options: Omit<KvClientOptions, Machine>): KvClient {
  return new KvClient({ ...options, ...machine() });
}

/** Management over web sockets. Nothing is connected before the first request. */
export function createAdminClient(options: Omit<AdminClientOptions, Machine>): AdminClient {
  return new AdminClient({ ...options, ...machine() });
}

function machine(): Pick<KvClientOptions, Machine> {
  return { clock: nodeClock, random: createNodeRandom(), network: new WsNetwork() };
}
