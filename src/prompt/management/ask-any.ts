import { KvError } from "../../base/index.ts";
import type { AdminOp, AdminParams, AdminResult } from "../../protocol/admin/index.ts";
import { type ClusterOptions, reasonText } from "./cluster-options.ts";

/** What a node answered. */
export interface Answered<Op extends AdminOp> {
  readonly node: number;
  readonly result: AdminResult<Op>;
}

/**
 * Asks one node after the other, as long as the ones before certainly did nothing and another one may do it.
 * @throws KvError as it came where it was cancelled or every node would refuse it; else with what became of each question
 */
export async function askAny<Op extends AdminOp>(
  options: ClusterOptions,
  op: Op,
  params: AdminParams<Op>,
  signal: AbortSignal,
): Promise<AdminResult<Op>> {
  return (await askNodes(options, op, params, signal)).result;
}

/** As `askAny`, and tells which node it was. */
export async function askNodes<Op extends AdminOp>(
  options: ClusterOptions,
  op: Op,
  params: AdminParams<Op>,
  signal: AbortSignal,
): Promise<Answered<Op>> {
  const { client, nodes, timeoutMs } = options;
  const reasons: string[] = [];
  let last: KvError | null = null;
  for (const { id } of nodes) {
    try {
      return { node: id, result: await client.call(id, op, params, { timeoutMs, signal }) };
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (signal.aborted || (error.definite && !error.retryable)) throw error;
      last = error;
      reasons.push(reasonText(options, id, error, timeoutMs));
      // What may have been done is not done again.
      if (!error.definite) break;
    }
  }
  if (last === null) throw new KvError("UNKNOWN_NODE", "there is no node to ask");
  throw new KvError(last.code, reasons.join("; "), { cause: last, definite: last.definite });
}
