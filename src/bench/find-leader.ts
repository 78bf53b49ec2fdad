import { createAdminClient } from "../api/index.ts";
import type { NodeAddress } from "../client/types.ts";

const WAIT_MS = 15_000;
const RETRY_MS = 50;

/**
 * Waits until a node leads.
 * @throws the last node's error, or an Error when none leads within 15 seconds
 */
export async function findLeader(
  nodes: readonly NodeAddress[],
  secret: string | null,
): Promise<number> {
  const admin = createAdminClient({ nodes, secret, timeoutMs: 2000 });
  let last: unknown = null;
  try {
    for (const deadline = performance.now() + WAIT_MS; performance.now() < deadline;) {
      for (const { id } of nodes) {
        try {
          const { standing } = await admin.call(id, "status", {});
          if (standing === "leading") return id;
        } catch (error) {
          last = error;
        }
      }
      await new Promise((wake) => {
        setTimeout(wake, RETRY_MS);
      });
    }
  } finally {
    admin.close();
  }
  throw last instanceof Error ? last : new Error(`no node leads after ${WAIT_MS / 1000} s`);
}
