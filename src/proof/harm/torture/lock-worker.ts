/**
 * A process that takes a lock again and again, writes with its token, and keeps leases for a while; or one that watches. What it
 * notes are lines of JSON on its standard output. It is stopped, continued and killed from outside.
 */
import { createClient, KvError, type KvClient, type Lock } from "../../../client/api/index.ts";
import type { ClusterNode } from "../../../server/config/index.ts";
import { createNodeRandom } from "../../../machine/runtime/index.ts";
import { pause } from "../../../measure/index.ts";
import type { LockNote } from "./lock-notes.ts";

export interface LockWorkerTask {
  readonly role: "locker" | "watcher";
  readonly nodes: readonly ClusterNode[];
  readonly secret: string | null;
  readonly name: string;
  readonly ttlMs: number;
  /** A watcher begins with it. */
  readonly from: number;
}

export const LEASE_PREFIX = "lease/";
const GUARDED_KEY = "guarded";

const random = createNodeRandom();
const below = (bound: number): number => random.uint32() % bound;

export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

function note(fields: LockNote): void {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

async function hold(client: KvClient, lock: Lock): Promise<void> {
  const { token } = lock;
  note({ event: "held", token, atUs: nowUs() });
  // Looks at no signal: the nodes are to refuse what comes late.
  const blind = { ...lock, signal: new AbortController().signal };
  for (let deeds = 1 + below(6); deeds > 0; deeds--) {
    // Before the look: between the two the process may be stopped.
    const atUs = nowUs();
    if (!lock.signal.aborted) note({ event: "believes", token, atUs });
    try {
      const { revision } = await client.guarded(blind).write(GUARDED_KEY, String(token));
      note({ event: "wrote", token, revision });
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (error.code !== "LOCK_LOST") continue;
      note({ event: "refused", token });
      return;
    }
    await pause(below(100));
  }
}

async function lockAgainAndAgain(client: KvClient, { name, ttlMs }: LockWorkerTask): Promise<void> {
  for (;;) {
    let token = 0;
    const over = (how: string): void => {
      if (token !== 0) note({ event: "over", token, atUs: nowUs(), how });
    };
    try {
      await client.locks.request(name, { ttl: ttlMs }, async (lock) => {
        ({ token } = lock);
        await hold(client, lock);
      });
      over("released");
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      over(error.code);
    }
    await pause(below(50));
  }
}

async function keepLeases(client: KvClient): Promise<void> {
  for (;;) {
    try {
      await keepLease(client);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      await pause(100);
    }
  }
}

async function keepLease(client: KvClient): Promise<void> {
  const ttlMs = 1000 + below(2000);
  let sentUs = nowUs();
  const { id: lease } = await client.leases.issue(ttlMs);
  note({ event: "renewed", lease, ttlMs, sentUs, ackUs: nowUs() });
  await client.write(`${LEASE_PREFIX}${lease}`, "", { lease });
  for (let renewals = below(5); renewals > 0; renewals--) {
    await pause(below(ttlMs));
    sentUs = nowUs();
    const left = await client.leases.renew(lease);
    if (left === null) return note({ event: "missing", lease, atUs: nowUs() });
    note({ event: "renewed", lease, ttlMs, sentUs, ackUs: nowUs() });
  }
}

async function watch(client: KvClient, { from }: LockWorkerTask): Promise<void> {
  for await (const { events } of client.watch({}, { from })) {
    for (const event of events) {
      const { type, key, modRevision: revision } = event;
      note({ event: "seen", revision, type, key: Buffer.from(key).toString() });
    }
  }
}

const [, , text] = process.argv;
if (text !== undefined && import.meta.filename === process.argv[1]) {
  const task = JSON.parse(text) as LockWorkerTask;
  const { nodes, secret } = task;
  const client = createClient({ nodes, secret, timeoutMs: 3000 });
  // Ends when it is killed, and when nobody hears it any more. Without a cluster it has nothing to say: then its input tells.
  process.stdout.on("error", () => process.exit(0));
  process.stdin.on("close", () => process.exit(0)).resume();
  if (task.role === "watcher") await watch(client, task);
  else await Promise.all([lockAgainAndAgain(client, task), keepLeases(client), keepLeases(client)]);
}
