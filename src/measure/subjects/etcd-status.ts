/** How an etcd server stands, over its HTTP interface. */
import { z } from "zod";
import type { NodeAddress } from "../../client/terms/index.ts";
import { timeLimit } from "../../machine/runtime/index.ts";

export interface EtcdStatus {
  readonly member: string;
  /** Null: it knows of none. */
  readonly leader: string | null;
  readonly term: number;
}

/** Numbers of 64 bits come as texts, and those that are 0 do not come at all. */
const statusSchema = z.object({
  header: z.object({ member_id: z.string() }),
  leader: z.string().default("0"),
  raftTerm: z.coerce.number().default(0),
});

/** @returns null when it does not answer in time or not as it should */
export async function etcdStatus(
  { host, port }: NodeAddress,
  timeoutMs: number,
): Promise<EtcdStatus | null> {
  const { signal, end } = timeLimit(timeoutMs);
  try {
    const url = `http://${host}:${port}/v3/maintenance/status`;
    const answer = await fetch(url, { method: "POST", body: "{}", signal });
    const parsed = statusSchema.safeParse(await answer.json());
    if (!answer.ok || !parsed.success) return null;
    const { header, leader, raftTerm } = parsed.data;
    return { member: header.member_id, leader: leader === "0" ? null : leader, term: raftTerm };
  } catch {
    // Not listening, too late, cut short, not JSON: the caller need not tell these apart.
    return null;
  } finally {
    end();
  }
}
