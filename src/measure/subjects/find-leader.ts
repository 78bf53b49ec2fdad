import { createAdminClient, type ClientTls } from "../../client/api/index.ts";
import type { NodeAddress } from "../../client/terms/index.ts";
import { pause } from "../pause.ts";

const WAIT_MS = 15_000;
const RETRY_MS = 50;
/** Leaders change while servers start: the result must have led for so long. */
const SETTLED_MS = 400;

/**
 * Waits until one node has led for a while.
 * @param create the client of the nodes' version
 * @throws the last node's error, or an Error when none leads within 15 seconds
 */
export async function findLeader(
  nodes: readonly NodeAddress[],
  secret: string | null,
  tls: ClientTls | false = false,
  create: typeof createAdminClient = createAdminClient,
): Promise<number> {
  const admin = create({ nodes, secret, tls, timeoutMs: 2000 });
  let last: unknown = null;
  try {
    let found: number | undefined;
    let sinceMs = 0;
    for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline;) {
      const leading: number[] = [];
      for (const { id } of nodes) {
        try {
          const { standing } = await admin.call(id, "status", {});
          if (standing === "leading") leading.push(id);
        } catch (error) {
          last = error;
        }
      }
      const id = leading.length === 1 ? leading[0] : undefined;
      if (id === undefined || id !== found) {
        found = id;
        sinceMs = performance.now();
      } else if (performance.now() - sinceMs >= SETTLED_MS) return id;
      await pause(RETRY_MS);
    }
  } finally {
    admin.close();
  }
  throw last instanceof Error ? last : new Error(`no node leads after ${WAIT_MS / 1000} s`);
}
