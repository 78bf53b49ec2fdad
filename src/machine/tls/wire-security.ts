import type { Socket } from "node:net";
import type { PeerCertificate } from "node:tls";
import type { WireSecurity } from "../ports/index.ts";
import { wrongName } from "./tls-side.ts";

const BINDING_BYTES = 32;
/** The label under which RFC 9266 has a channel binding exported. */
const BINDING_LABEL = "EXPORTER-Channel-Binding";

/**
 * Read once, when the connection is open: a socket that has ended tells nothing any more, while frames that it sent
 * before may still be on their way to a handler that needs to know.
 * @param needsCertificate this side has asked the other for one; otherwise no certificate is read
 * @returns null: plain text
 */
export function securityOf(socket: Socket, needsCertificate: boolean): WireSecurity | null {
  const { TLSSocket } = process.getBuiltinModule("node:tls");
  if (!(socket instanceof TLSSocket)) return null;
  // The socket has ended already: no certificate is good for it.
  if (socket.destroyed) {
    const { randomBytes } = process.getBuiltinModule("node:crypto");
    return { binding: randomBytes(BINDING_BYTES), wrongHost: () => "the connection has ended" };
  }
  const certificate = needsCertificate ? socket.getPeerCertificate() : null;
  return {
    binding: socket.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, Buffer.alloc(0)),
    commonName: commonNameOf(certificate),
    wrongHost: (host) => (certificate === null ? null : wrongName(host, certificate)),
  };
}

/** Several names in one certificate count as none. */
function commonNameOf(certificate: PeerCertificate | null): string | null {
  const name: unknown = certificate?.subject?.CN;
  return typeof name === "string" ? name : null;
}
