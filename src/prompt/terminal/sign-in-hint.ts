/** What a node says to who has not signed in, which programs in any language read. */
const SAID = "name a user and a password";

/** The same with how to do it here. A text that says something else stays as it is. */
export function withSignInHint(message: string): string {
  return message.replace(SAID, "say who you are with --user NAME");
}
