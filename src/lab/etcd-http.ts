/** As much of etcd's HTTP interface as an experiment needs. */
import { z } from "zod";
import type { NodeId } from "../scenarios/index.ts";
import type { Writer } from "./subject.ts";

export interface EtcdNode {
  readonly id: NodeId;
  readonly url: string;
}

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
export async function etcdStatus(node: EtcdNode, timeoutMs: number): Promise<EtcdStatus | null> {
  const answer = await post(node, "/v3/maintenance/status", {}, timeoutMs, new Set());
  const parsed = statusSchema.safeParse(answer);
  if (!parsed.success) return null;
  const { header, leader, raftTerm } = parsed.data;
  return {
    member: header.member_id,
    leader: leader === "0" ? null : leader,
    term: raftTerm,
  };
}

/** A client that asks its node, and after a time-out or an error the next one. */
export function openEtcdWriter(
  nodes: readonly EtcdNode[],
  first: NodeId,
  attemptTimeoutMs: number,
): Writer {
  const underWay = new Set<AbortController>();
  let closed = false;
  let preferred = Math.max(
    0,
    nodes.findIndex(({ id }) => id === first),
  );
  const put = async (index: number, body: object): Promise<boolean> => {
    const node = nodes[index];
    if (node === undefined) return false;
    const answer = await post(node, "/v3/kv/put", body, attemptTimeoutMs, underWay);
    return putSchema.safeParse(answer).success;
  };
  return {
    async write(key, value) {
      const body = { key: base64(key), value: base64(value) };
      for (let tried = 0; tried < nodes.length; tried++) {
        const index = preferred;
        if (await put(index, body)) return;
        if (closed) break;
        if (preferred === index) preferred = (index + 1) % nodes.length;
      }
      throw new Error("no server acknowledged it");
    },
    close() {
      closed = true;
      for (const request of underWay) request.abort();
    },
  };
}

/** What came of a write that took effect. */
const putSchema = z.object({ header: z.object({ revision: z.string() }) });

/**
 * @param underWay holds the request until it is over: whoever aborts it ends it
 * @returns what was answered; null: nothing
 */
async function post(
  { url }: EtcdNode,
  path: string,
  body: object,
  timeoutMs: number,
  underWay: Set<AbortController>,
): Promise<unknown> {
  // Not AbortSignal.any of a time-out: Node 20 may collect such a time-out before it comes.
  const request = new AbortController();
  const timer = setTimeout(() => request.abort(), timeoutMs);
  underWay.add(request);
  try {
    const { signal } = request;
    const answer = await fetch(url + path, { method: "POST", body: JSON.stringify(body), signal });
    const content: unknown = await answer.json();
    return answer.ok ? content : null;
  } catch {
    // Not listening, too late, cut short, not JSON: all the same to who waits for an answer.
    return null;
  } finally {
    clearTimeout(timer);
    underWay.delete(request);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
