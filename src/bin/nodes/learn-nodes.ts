/** Without a list of nodes a command tries three usual addresses, and any node knows all the others. */
import { clientTlsIn } from "../../client/tls/index.ts";
import { hostPort, KvError, systemCode, wrongPortText } from "../../base/index.ts";
import { namesIds, namesTls, parseAddresses, parseNodesFlag } from "../../server/config/index.ts";
import { httpGet } from "../../machine/http/index.ts";
import type { TlsSide } from "../../machine/tls/index.ts";
import { askMembers, type GetPage, type Members } from "../../prompt/index.ts";
import { type Access, type AccessFlags, readAccess } from "../options/credential-options.ts";
import { askPassword, hideTyping, type TypedLines } from "../options/ask-password.ts";
import { NoNodeAnswers } from "./no-node-answers.ts";
import {
  clusterFileOf,
  clusterOf,
  readSettings,
  type PromptFlags,
  type PromptSettings,
} from "../options/prompt-options.ts";

/** A longer answer is no list of nodes. */
const INFO_BYTES_MAX = 64 * 1024;

/**
 * The settings and, when the flags name a user without a password, the password that is asked for.
 * @param typed what hides the typing already; null: it is hidden from here on, if the password is to be asked for
 * @throws as `withIds` and `withPassword`
 */
export async function askedSettings<Flags extends PromptFlags>(
  flags: Flags,
  typed: TypedLines | null = null,
): Promise<{ readonly settings: PromptSettings; readonly flags: Flags }> {
  const { user, password } = readAccess(flags, clusterOf(flags)).credentials;
  const asks = user !== undefined && password === undefined;
  const lines = typed ?? (asks ? hideTyping() : null);
  try {
    const known = await withIds(flags);
    return { settings: await withPassword(readSettings(known), lines), flags: known };
  } finally {
    if (typed === null) lines?.close();
  }
}

/**
 * As `readSettings`. Without `--nodes` and `--cluster` the nodes are those that the first one to answer names: a cluster of
 * five is not taken for one of three.
 * @throws KvError BAD_REQUEST that names the flag; NoNodeAnswers
 */
export async function learnSettings(
  flags: PromptFlags,
  typed: TypedLines | null = null,
): Promise<PromptSettings> {
  const { settings } = await askedSettings(flags, typed);
  if (flags.nodes !== undefined || clusterFileOf(flags) !== undefined) return settings;
  try {
    const members = await askMembers(settings.nodes, pagesOver(sideOf(settings.tls)));
    return { ...settings, nodes: parseNodesFlag(listOf(members)) };
  } catch (error) {
    // There may be no node yet, or another program in its place. The command tries the usual nodes, and their errors tell.
    if (error instanceof AggregateError || error instanceof KvError) return settings;
    throw error;
  }
}

/**
 * Addresses without ids are asked which nodes there are: prompts and answers name nodes by their ids.
 * @returns the flags, with ids in the list of nodes
 * @throws KvError BAD_REQUEST that names the flag; NoNodeAnswers
 */
export async function withIds<Flags extends AccessFlags>(flags: Flags): Promise<Flags> {
  const { nodes } = flags;
  if (nodes === undefined || namesIds(nodes)) return flags;
  const places = parseAddresses(nodes).map((address) => ({ id: null, ...address }));
  const { tls } = readAccess(flags, clusterOf(flags));
  try {
    const members = await askMembers(places, pagesOver(sideOf(tls)));
    return { ...flags, nodes: listOf(members, namesTls(nodes) ? "https://" : "") };
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error;
    const reasons: readonly unknown[] = error.errors;
    throw new NoNodeAnswers(places.map((place, i) => `${hostPort(place)} (${said(reasons[i])})`));
  }
}

function said(reason: unknown): string {
  if (systemCode(reason) === "ECONNREFUSED") return "nothing listens there";
  if (!(reason instanceof Error)) return String(reason);
  // While no node has answered, only the time limit ends the question.
  return reason.name === "AbortError" ? "it does not answer" : reason.message;
}

function listOf(members: Members, scheme = ""): string {
  return members.map((member) => `${member.id}=${scheme}${hostPort(member)}`).join(",");
}

function sideOf(tls: Access["tls"]): TlsSide | null {
  return tls === false ? null : clientTlsIn(tls, undefined);
}

/** The command asks for the password once, when the user is named without a password file. */
async function withPassword(
  settings: PromptSettings,
  typed: TypedLines | null,
): Promise<PromptSettings> {
  const { user, password } = settings.credentials;
  if (user === undefined || password !== undefined) return settings;
  if (!process.stdin.isTTY) {
    const text = "--user: there is no terminal to ask for the password at: give --password-file";
    throw new KvError("BAD_REQUEST", text);
  }
  const asked = await askPassword(user, false, typed);
  return { ...settings, credentials: { user, password: () => asked } };
}

/** @param tls null: in plain text */
export function pagesOver(tls: TlsSide | null): GetPage {
  return async ({ host, port }, path, signal) => {
    const answer = await httpGet({ host, port, path, tls, signal, bytesMax: INFO_BYTES_MAX });
    if (answer.status !== 200) throw new Error(wrongPortText("clients", answer.status));
    return answer.body;
  };
}
