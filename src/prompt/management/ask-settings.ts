import { KvError } from "../../base/index.ts";
import type { AdminResult } from "../../protocol/admin/index.ts";
import { type ClusterOptions, reasonText } from "./cluster-options.ts";

export interface ToldSettings {
  readonly node: number;
  readonly settings: AdminResult<"getSettings">;
}

/**
 * Asks one node after the other, until one tells the settings with all that was answered before.
 * @returns what that node told; when there is none, what the first node told that answered, with `confirmed` false
 * @throws KvError as it came where it was cancelled or every node would refuse it; when no node answers, with what became of each question
 */
export async function askSettings(
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<ToldSettings> {
  const { client, nodes, timeoutMs } = options;
  const reasons: string[] = [];
  let unconfirmed: ToldSettings | null = null;
  let last: KvError | null = null;
  for (const { id } of nodes) {
    try {
      const settings = await client.call(id, "getSettings", {}, { timeoutMs, signal });
      const told = { node: id, settings };
      if (settings.confirmed !== false) return told;
      unconfirmed ??= told;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      // A question changes nothing: where no answer came, another node may be asked.
      if (signal.aborted || (error.definite && !error.retryable)) throw error;
      last = error;
      reasons.push(reasonText(options, id, error, timeoutMs));
    }
  }
  if (unconfirmed !== null) return unconfirmed;
  if (last === null) throw new KvError("UNKNOWN_NODE", "there is no node to ask");
  throw new KvError(last.code, reasons.join("; "), { cause: last, definite: true });
}
