/**
 * What this node tells a client whose user may not do what it asked. It speaks of this request alone: an earlier attempt may have
 * taken effect through another node, of which this one has not heard.
 */
import { SHUT_OUT, type Actor, type Rights } from "../../store/index.ts";

export function deniedText(rights: Rights, actor: Actor | null): string {
  if (rights === SHUT_OUT) return SHUT_OUT_TEXT;
  return rights.isKnown ? forbiddenText(actor) : unknownText(actor);
}

export const SHUT_OUT_TEXT =
  "access control is off, so that who asks must have proved the cluster's secret: connect with it. This request did nothing";

export function forbiddenText(actor: Actor | null): string {
  return `${nameOf(actor)} may not do this: none of the user's roles permits it for these keys. This request did nothing`;
}

/** For a client without rights, because it has not signed in or its user is gone. */
export function unknownText(actor: Actor | null): string {
  return actor === null || actor.name === ""
    ? "access control is on, and nobody has signed in over this connection: name a user and a password. This request did nothing"
    : `${nameOf(actor)} is no user here, is no user any more, or has got another password: sign in as one. This request did nothing`;
}

/** For logs and texts. */
export function nameOf(actor: Actor | null): string {
  if (actor === null) return "nobody";
  return actor.name === "" ? "the holder of the secret" : `user ${actor.name}`;
}
