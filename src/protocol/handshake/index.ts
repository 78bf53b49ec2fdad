/** The frames by which the two sides of a new connection prove who they are. */
export {
  decodeHandshake,
  encodeHandshake,
  type HandshakeFrame,
  type Hello,
  NONCE_BYTES,
  originText,
  REFUSAL_TEXT_MAX,
  type RefusalCode,
  REFUSALS,
  VersionError,
} from "./handshake.ts";
export { DURABLE_CLAIMS, type PeerHello } from "./peer-hello.ts";
export {
  isNodeWithoutSecret,
  isWireTrouble,
  missingSecretText,
  openedWireText,
  otherSecretText,
} from "./secret-refusal.ts";
