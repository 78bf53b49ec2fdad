/** The handshake that lets a node, a client or a manager in. */
export { afterRunning } from "./after-running.ts";
export {
  acceptWithHandshake,
  dialWithHandshake,
  type HandshakeFailure,
} from "./handshake-connection.ts";
export type { HandshakeOptions, HandshakeOutcome, Refusal } from "./handshake.ts";
