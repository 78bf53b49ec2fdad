/** etcd's own locks and leases, as its Go client uses them: a lease a session, renewed after a third of its time on one stream. */
import { EtcdCluster } from "./etcd-cluster.ts";
import { EtcdGrpc } from "./etcd-grpc.ts";
import type { HeldLock, LockClient, LockSubject } from "./lock-subject.ts";

const KEEP_ALIVES = 3;
/** Grants under way at once. */
const GRANTS = 256;
const KEY_FIELD = 2;

export async function startEtcdLocks(
  program: string,
  size: number,
  parent: string | null,
): Promise<LockSubject> {
  const cluster = await EtcdCluster.start({ program, size, parent });
  await cluster.leader();
  let lastLease = 0;
  let lastNode = 0;
  const connect = (): EtcdGrpc => {
    const node = cluster.nodes[lastNode++ % size];
    if (node === undefined) throw new Error("a cluster has nodes");
    return new EtcdGrpc(node);
  };
  const grant = async (grpc: EtcdGrpc, ttlMs: number): Promise<number> => {
    // The client may choose the id: small ones fit into a number.
    const id = ++lastLease;
    await grpc.call("/etcdserverpb.Lease/LeaseGrant", { 1: Math.ceil(ttlMs / 1000), 2: id });
    return id;
  };
  return {
    name: "etcd",
    processes: cluster.processes,
    client: (ttlMs) => new EtcdLockClient(connect(), (grpc) => grant(grpc, ttlMs), ttlMs),
    keepLeases: async (count, ttlMs) => {
      const grpc = connect();
      const ids: number[] = [];
      const stop = renew(grpc, () => ids, ttlMs);
      while (ids.length < count) {
        const more = Math.min(GRANTS, count - ids.length);
        ids.push(...(await Promise.all(Array.from({ length: more }, () => grant(grpc, ttlMs)))));
      }
      return () => {
        stop();
        grpc.close();
      };
    },
    remove: () => cluster.remove(),
  };
}

/** Spread over the interval, as they come from leases that were granted at different times. */
function renew(grpc: EtcdGrpc, ids: () => readonly number[], ttlMs: number): () => void {
  const stream = grpc.stream("/etcdserverpb.Lease/LeaseKeepAlive");
  const timer = setInterval(() => {
    for (const id of ids()) stream.send({ 1: id });
  }, ttlMs / KEEP_ALIVES);
  return () => {
    clearInterval(timer);
    stream.end();
  };
}

class EtcdLockClient implements LockClient {
  readonly #grpc: EtcdGrpc;
  readonly #lease: Promise<number>;
  readonly #stop: () => void;

  constructor(grpc: EtcdGrpc, grant: (grpc: EtcdGrpc) => Promise<number>, ttlMs: number) {
    this.#grpc = grpc;
    this.#lease = grant(grpc);
    const ids: number[] = [];
    void this.#lease.then((id) => ids.push(id));
    this.#stop = renew(grpc, () => ids, ttlMs);
  }

  async lock(name: string): Promise<HeldLock> {
    const lease = await this.#lease;
    const answer = await this.#grpc.call("/v3lockpb.Lock/Lock", { 1: Buffer.from(name), 2: lease });
    const key = answer.get(KEY_FIELD);
    if (key === undefined) throw new Error("a lock was answered without a key");
    return {
      die: () => this.close(),
      release: async () => {
        await this.#grpc.call("/v3lockpb.Lock/Unlock", { 1: key });
      },
    };
  }

  close(): void {
    this.#stop();
    this.#grpc.close();
  }
}
