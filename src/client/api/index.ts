/**
 * What programs import: `import { createClient } from "omnikv"`.
 *
 *     const kv = createClient(["127.0.0.1:4101", "127.0.0.1:4102", "127.0.0.1:4103"]);
 *     await kv.write("35", "hello");
 *     const result = await kv.read("35");
 *     kv.close();
 *
 * @module omnikv
 */
import type { AdminClientOptions } from "../admin/index.ts";
import { AdminClient } from "./lazy-admin-client.ts";
import { KvClient, type KvClientOptions } from "../index.ts";
import { ADMIN_OPTION_NAMES, CLIENT_OPTION_NAMES, optionsIn } from "../core/index.ts";
import { type NodesGiven, wrongTimeout } from "../terms/index.ts";
import { learnNodes } from "./connect.ts";
import { observeRequest } from "../diagnostics/index.ts";
import { createNodeRandom, nodeClock } from "../../machine/runtime/index.ts";
import { WsNetwork } from "../../machine/network/index.ts";
import { clientTlsIn, type TlsOption } from "../tls/index.ts";

export { type AdminCallOptions, AdminClient } from "./lazy-admin-client.ts";
export type { AdminOp, AdminParams, AdminResult } from "../../protocol/admin/index.ts";
export { type GuardedClient, KvClient, type KvRequests, PrefixedClient } from "../index.ts";
export type {
  ElectOptions,
  Guard,
  Leader,
  Lock,
  LockInfo,
  LockMode,
  LockOptions,
  LockQuery,
  Locks,
  Term,
} from "../locks/index.ts";
export {
  type Lease,
  type LeaseInfo,
  type LeaseKeys,
  leaseMarginOf,
  type LeaseOptions,
  type Leases,
  type SessionOptions,
} from "../leases/index.ts";
export {
  DeleteEvent,
  type ObserveOptions,
  PutEvent,
  type RangeState,
  Watch,
  type WatchBatch,
  type WatchEvent,
  type WatchItem,
  type WatchOptions,
  type WatchProgress,
} from "../watches/index.ts";
export {
  Atomic,
  type AtomicCheck,
  type AtomicConflict,
  type AtomicResult,
  Transaction,
  type TransactOptions,
  type TransactRangeOptions,
  type TransactResult,
  type TransactSource,
  type TxnCompare,
  type TxnOperation,
  type TxnOperationResult,
  type TxnRequest,
  type TxnResult,
  type TxnTarget,
  type TxnWhere,
} from "../txn/index.ts";
export type { KeyVersion } from "../keys/index.ts";
export {
  type BatchOperation,
  type BatchOutcome,
  type BatchResult,
  type Bytes,
  type CasCondition,
  type CasResult,
  type CountOptions,
  type CountResult,
  type DeleteResult,
  FoundResult,
  type HeldLease,
  type HistoryOptions,
  type KeyEntry,
  type KeyRequest,
  type KeyValue,
  type LeaseId,
  MissingResult,
  type NodeAddress,
  type NodeGiven,
  type NodesGiven,
  type RangeOptions,
  type RangeOrder,
  type RangeSelector,
  type ReadOptions,
  type ReadResult,
  type RequestOptions,
  type ResultOf,
  type Revision,
  type RevisionBounds,
  type Snapshot,
  type WriteOptions,
  type WriteResult,
} from "../terms/index.ts";
export { takeBackup, type TakenBackup } from "./take-backup.ts";
export { REQUEST_CHANNEL, type RequestMessage } from "../diagnostics/index.ts";
export { type ErrorCode, ERRORS, KvError } from "../../base/index.ts";

export type { ClientTls } from "../tls/index.ts";

type Machine = "clock" | "random" | "network";
/** What a client of keys needs of its machine. */
type ClientMachine = Machine | "observe";

/** What `createClient` takes beside the nodes; all of it may be left out. Times are in milliseconds. */
export type ClientOptions = Omit<KvClientOptions, ClientMachine> & TlsOption;
/** As `ClientOptions`, of `createAdminClient`. */
export type AdminOptions = Omit<AdminClientOptions, Machine> & TlsOption;

/**
 * A client over web sockets. Nothing is connected before the first request.
 *
 *     createClient("127.0.0.1:4101");
 *     createClient(["127.0.0.1:4101", "127.0.0.1:4102", "[::1]:4103"]);
 *     createClient({ nodes: [{ id: 1, host: "127.0.0.1", port: 4101 }], timeoutMs: 1000 });
 *     createClient({ nodes: ["node1:4101", "node2:4101"], tls: { ca: readFileSync("ca.crt") } });
 *     createClient("https://node1:4101");
 *
 * Any node serves any request, and asks the others itself. The client uses the nodes that are named here and looks for no
 * others: name several, so that one that is down does not matter.
 * @throws KvError BAD_REQUEST that names the option, what was expected and what came; UNKNOWN_NODE for a `firstNode` that
 *   is not among the nodes with ids
 */
export function createClient(options: ClientOptions | NodesGiven): KvClient {
  const { tls, ...checked } = split(optionsIn(options, [...CLIENT_OPTION_NAMES, "tls"]));
  return new KvClient({
    ...checked,
    ...machine(tls, checked.nodes),
    observe: observeRequest,
  });
}

/** Milliseconds in which `connect` must have an answer, unless `timeoutMs` says otherwise. */
const CONNECT_TIMEOUT_MS = 5000;

/**
 * As `createClient`, of which it makes one when a node that is named has told which nodes the cluster has: so one address will do, and
 * any node can be asked by its id.
 *
 *     const kv = await connect("127.0.0.1:4101");
 *
 * The nodes are learnt once. What is asked of the node is its page `/cluster.json`, over TLS where the client uses it.
 * @returns a promise that rejects with a KvError: BAD_REQUEST that names the option, CONNECTION_FAILED when no node answers
 *   within `timeoutMs`, WRONG_CLUSTER when one of another `clusterId` does
 */
export async function connect(options: ClientOptions | NodesGiven): Promise<KvClient> {
  const given = split(optionsIn(options, [...CLIENT_OPTION_NAMES, "tls"]));
  const { clusterId = null, timeoutMs = CONNECT_TIMEOUT_MS } = given as ClientOptions;
  const wrong = wrongTimeout("timeoutMs", timeoutMs);
  if (wrong !== null) throw wrong;
  const tls = clientTlsIn(given.tls, given.nodes);
  const nodes = await learnNodes({ nodes: given.nodes, clusterId, tls, timeoutMs });
  return createClient({ ...given, tls: given.tls ?? tls !== null, nodes });
}

/**
 * Management over web sockets. Nothing is connected before the first request. Nodes are asked by their ids, so each is
 * named with its own: `createAdminClient("1=127.0.0.1:4101,2=127.0.0.1:4102")`, or as objects.
 * @throws KvError BAD_REQUEST that names the option, what was expected and what came
 */
export function createAdminClient(options: AdminOptions | NodesGiven): AdminClient {
  const { tls, ...checked } = split(optionsIn(options, [...ADMIN_OPTION_NAMES, "tls"]));
  return new AdminClient({ ...checked, ...machine(tls, checked.nodes) });
}

/** So that what comes without the option has it too. */
function split<Options extends object>(options: Options): Options & TlsOption {
  return options;
}

function machine(tls: unknown, nodes: unknown): Pick<KvClientOptions, Machine> {
  const network = new WsNetwork({ clientTls: clientTlsIn(tls, nodes) });
  return { clock: nodeClock, random: createNodeRandom(), network };
}
