/** Who was not told where the nodes are knows three places to look, and any node knows all the others. */
import { hostPort } from "../base/address.ts";
import { KvError } from "../base/errors.ts";
import { parsePeersFlag, type ClusterNode } from "../config/cluster.ts";
import { askMembers, type Members } from "../repl/ask-members.ts";
import { readSettings, type PromptFlags, type PromptSettings } from "./prompt-options.ts";

/**
 * As `readSettings`. Without `--nodes` and `--cluster` the nodes are those that the first one to answer names: a cluster of
 * five is not taken for one of three.
 * @throws KvError BAD_REQUEST that names the flag
 */
export async function learnSettings(flags: PromptFlags): Promise<PromptSettings> {
  const settings = readSettings(flags);
  if (flags.nodes !== undefined || flags.cluster !== undefined) return settings;
  const members = await askMembers(settings.nodes);
  return members === null ? settings : { ...settings, nodes: checked(members) ?? settings.nodes };
}

/** The same checks as for what a user types. Null: it does not pass them. */
function checked(members: Members): readonly ClusterNode[] | null {
  const list = members.map((member) => `${member.id}=${hostPort(member)}`);
  try {
    return parsePeersFlag(list.join(","));
  } catch (error) {
    if (error instanceof KvError) return null;
    throw error;
  }
}
