/**
 * What is said to who may not do what was asked for. Of the request alone: a repetition that is refused may come after one that took
 * effect elsewhere, of which this node has not heard.
 */
import type { Actor } from "../../store/index.ts";

export function forbiddenText(actor: Actor | null): string {
  return `${nameOf(actor)} may not do this: none of the user's roles permits it for these keys. This request did nothing`;
}

/** Of somebody who has rights to nothing because nobody knows who it is. */
export function unknownText(actor: Actor | null): string {
  return actor === null || actor.name === ""
    ? "access control is on, and nobody has signed in over this connection: name a user and a password. This request did nothing"
    : `${nameOf(actor)} is no user any more, or has got another password: sign in again. This request did nothing`;
}

/** For logs and texts. */
export function nameOf(actor: Actor | null): string {
  if (actor === null) return "nobody";
  return actor.name === "" ? "the holder of the secret" : `user ${actor.name}`;
}
