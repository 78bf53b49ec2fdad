/** The secret of a client whose program outlives it. */
import { KvError, type Secrets } from "../../base/index.ts";
import { TEXT_EXPECTED } from "../terms/index.ts";

/** A function is asked at each new connection. */
export type ClientSecret = string | null | (() => string);

/**
 * Asks once, so that a wrong function is told where it is handed in. When it cannot say later, for a file that is being
 * replaced, what it said before is proved: a connection that is refused is tried again, and asks again.
 * @throws KvError BAD_REQUEST, or what the function throws
 */
export function askedSecret(secret: ClientSecret): Secrets {
  if (typeof secret !== "function") return secret;
  let last = ask(secret);
  return () => {
    try {
      last = ask(secret);
    } catch {
      // See above.
    }
    return [last];
  };
}

function ask(secret: () => unknown): string {
  const said = secret();
  if (typeof said === "string" && said !== "" && said.isWellFormed()) return said;
  throw badSecret("secret", "a function that returns a text that is not empty", said);
}

/**
 * A secret, a password or a token is not what was expected. What it is does not belong into a message.
 * @param got half of a surrogate pair has no bytes in UTF-8: all such texts would be one
 */
export function badSecret(name: string, expected: string, got: unknown): KvError {
  if (typeof got === "string" && !got.isWellFormed()) {
    const text = `${name}: expected ${TEXT_EXPECTED}, got one with half of a pair`;
    return new KvError("BAD_REQUEST", text);
  }
  const what = got === "" ? "an empty one" : `a value of type ${typeof got}`;
  return new KvError("BAD_REQUEST", `${name}: expected ${expected}, got ${what}`);
}
