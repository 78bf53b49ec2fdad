/** Who was not told where the nodes are knows three places to look, and any node knows all the others. */
import { clientTlsIn } from "../client/tls/index.ts";
import { hostPort, KvError } from "../base/index.ts";
import { type ClusterNode, parsePeersFlag } from "../server/config/index.ts";
import { httpGet } from "../machine/http/index.ts";
import type { TlsSide } from "../machine/tls/index.ts";
import { askMembers, type GetPage, type Members } from "../prompt/index.ts";
import { askPassword } from "./ask-password.ts";
import {
  clusterFileOf,
  readSettings,
  type PromptFlags,
  type PromptSettings,
} from "./prompt-options.ts";

/** What is longer is no list of nodes. */
const INFO_BYTES_MAX = 64 * 1024;

/**
 * As `readSettings`. Without `--nodes` and `--cluster` the nodes are those that the first one to answer names: a cluster of
 * five is not taken for one of three.
 * @throws KvError BAD_REQUEST that names the flag
 */
export async function learnSettings(flags: PromptFlags): Promise<PromptSettings> {
  const settings = await withPassword(readSettings(flags));
  if (flags.nodes !== undefined || clusterFileOf(flags) !== undefined) return settings;
  const tls = settings.tls === false ? null : clientTlsIn(settings.tls, undefined);
  const members = await askMembers(settings.nodes, pagesOver(tls));
  return members === null ? settings : { ...settings, nodes: checked(members) ?? settings.nodes };
}

/** Who is named without a file is asked for the password, once. */
export async function withPassword(settings: PromptSettings): Promise<PromptSettings> {
  const { user, password } = settings.credentials;
  if (user === undefined || password !== undefined) return settings;
  if (!process.stdin.isTTY) {
    const text = "--user: there is no terminal to ask for the password at: give --password-file";
    throw new KvError("BAD_REQUEST", text);
  }
  const asked = await askPassword(user, false);
  return { ...settings, credentials: { user, password: () => asked } };
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

/** @param tls null: in plain text */
export function pagesOver(tls: TlsSide | null): GetPage {
  return async ({ host, port }, path, signal) => {
    const answer = await httpGet({ host, port, path, tls, signal, bytesMax: INFO_BYTES_MAX });
    if (answer.status !== 200) throw new Error("no such page");
    return answer.body;
  };
}
