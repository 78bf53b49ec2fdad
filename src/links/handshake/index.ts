/** How whoever connects is let in. */
export {
  acceptWithHandshake,
  dialWithHandshake,
  type HandshakeFailure,
} from "./handshake-connection.ts";
export type { HandshakeOptions, HandshakeOutcome, Refusal } from "./handshake.ts";
