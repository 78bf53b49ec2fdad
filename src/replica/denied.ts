/** What is said to who may not do what was asked for. */
import type { Actor } from "../store/index.ts";

export function forbiddenText(actor: Actor | null): string {
  return `${nameOf(actor)} may not do this: none of the user's roles permits it for these keys. Nothing was done`;
}

/** Of somebody who has rights to nothing because nobody knows who it is. */
export function unknownText(actor: Actor | null): string {
  return actor === null || actor.name === ""
    ? "access control is on, and nobody has signed in over this connection: name a user and a password. Nothing was done"
    : `${nameOf(actor)} is no user any more, or has got another password: sign in again. Nothing was done`;
}

/** For logs and texts. */
export function nameOf(actor: Actor | null): string {
  if (actor === null) return "nobody";
  return actor.name === "" ? "the holder of the secret" : `user ${actor.name}`;
}
