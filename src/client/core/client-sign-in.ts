/** How the links of a client say who it is. */
import type { Clock } from "../../machine/ports/index.ts";
import { decodeSignedIn, encodeSignIn, SIGNED_IN_FRAME } from "../../protocol/client/index.ts";
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
