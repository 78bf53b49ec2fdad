/**
 * Tokens that stand for a password for some minutes. A token names the user, the password (its generation), and its end; its proof is
 * made with the cluster's key, which is in the replicated state, so that every node accepts the tokens of any node.
 *
 *     token := base64url(JSON [name, generation, ends]) "." base64url(HMAC-SHA256)
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { ACCESS_NAME, type AccessState, type Actor } from "../../store/index.ts";

const TOKEN_LENGTH_MAX = 512;
/** From the sign-in on. */
export const TOKEN_LIFETIME_MS = 5 * 60_000;

const content = z.tuple([z.string().regex(ACCESS_NAME), z.int().min(1), z.int().min(0)]);

export interface ReadToken {
  readonly actor: Actor;
  /** By the clock of the node that has made it. */
  readonly endsMs: number;
}

export function makeToken({ tokenKey }: AccessState, { actor, endsMs }: ReadToken): string {
  const said = [actor.name, actor.generation, Math.round(endsMs)];
  const body = Buffer.from(JSON.stringify(said)).toString("base64url");
  return `${body}.${proofOf(tokenKey, body).toString("base64url")}`;
}

/** @returns null when no node of this cluster has made it. The caller checks whether it has ended */
export function readToken({ tokenKey }: AccessState, token: string): ReadToken | null {
  if (tokenKey === "" || token.length > TOKEN_LENGTH_MAX) return null;
  const [body = "", proof = ""] = token.split(".");
  const given = Buffer.from(proof, "base64url");
  // Another text that decodes to the same bytes is no token.
  if (token !== `${body}.${given.toString("base64url")}`) return null;
  const right = proofOf(tokenKey, body);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
  const said = content.safeParse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
  if (!said.success) return null;
  const [name, generation, endsMs] = said.data;
  return { actor: { name, generation }, endsMs };
}

function proofOf(tokenKey: string, body: string): Buffer {
  return createHmac("sha256", Buffer.from(tokenKey, "base64"))
    .update(`omnikv token\n${body}`)
    .digest();
}
