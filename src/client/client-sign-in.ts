/** How the links of a client say who it is. */
import type { Clock } from "../ports/clock.ts";
import { decodeSignedIn, encodeSignIn, SIGNED_IN_FRAME } from "../wire/sign-in.ts";
import { checkCredentials, Credentials, type CredentialOptions } from "./credentials.ts";
import type { LinkSignIn } from "./node-link.ts";

/**
 * @returns null: it says nothing
 * @throws KvError BAD_REQUEST
 */
export function clientSignIn(
  options: CredentialOptions & { readonly clock: Clock },
): LinkSignIn | null {
  checkCredentials(options);
  const credentials = Credentials.of(options.clock, options);
  if (credentials === null) return null;
  return {
    credentials,
    encode: encodeSignIn,
    decode: (frame) => (frame[0] === SIGNED_IN_FRAME ? decodeSignedIn(frame) : null),
  };
}
