/** The secret of a client whose program outlives it. */
import { KvError, type Secrets } from "../../base/index.ts";

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
  if (typeof said === "string" && said !== "") return said;
  const got = said === "" ? "an empty one" : `a value of type ${typeof said}`;
  const text = `secret: expected a function that returns a text that is not empty, got ${got}`;
  throw new KvError("BAD_REQUEST", text);
}
