import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { PeerCertificate } from "node:tls";
import type { WireSecurity } from "../ports/index.ts";
import { wrongName } from "./tls-side.ts";

const BINDING_BYTES = 32;
/** The label under which RFC 9266 has a channel binding exported. */
const BINDING_LABEL = "EXPORTER-Channel-Binding";

/**
 * Looked at once, when the connection is there: of a socket that has ended meanwhile nothing can be asked any more, and what it
 * said before may still be on its way to whoever wants to know.
 * @param needsCertificate this side has asked the other for one; else none is looked at
 * @returns null: plain text
 */
export function securityOf(socket: Socket, needsCertificate: boolean): WireSecurity | null {
  const { TLSSocket } = process.getBuiltinModule("node:tls");
  if (!(socket instanceof TLSSocket)) return null;
  // It has ended already: nothing is good for it.
  if (socket.destroyed) {
    return { binding: randomBytes(BINDING_BYTES), wrongHost: () => "the connection has ended" };
  }
  const certificate = needsCertificate ? socket.getPeerCertificate() : null;
  return {
    binding: socket.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, Buffer.alloc(0)),
    commonName: commonNameOf(certificate),
    wrongHost: (host) => (certificate === null ? null : wrongName(host, certificate)),
  };
}

/** Several names in one certificate name nobody. */
function commonNameOf(certificate: PeerCertificate | null): string | null {
  const name: unknown = certificate?.subject?.CN;
  return typeof name === "string" ? name : null;
}
