/** The secret of a client whose program outlives it. */
import { KvError, type Secrets } from "../../base/index.ts";
import { TEXT_EXPECTED } from "../terms/index.ts";

/** A function is asked at each new connection. */
export type ClientSecret = string | null | (() => string);

/**
 * Asks the function once, so that a wrong function fails where it is handed in. When it throws later, because its file is being
 * replaced, the client proves the secret that it returned last: a refused connection is tried again, and asks again.
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
 * A secret, a password or a token has the wrong form. The message must not show it.
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
