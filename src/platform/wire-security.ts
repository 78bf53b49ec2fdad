import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { WireSecurity } from "../ports/network.ts";
import { wrongName } from "./tls-side.ts";

const BINDING_BYTES = 32;
/** RFC 9266. */
const BINDING_LABEL = "EXPORTER-Channel-Binding";

/** @param needsCertificate this side has asked the other for one; else none is looked at. @returns null: plain text */
export function securityOf(socket: Socket | null, needsCertificate: boolean): WireSecurity | null {
  if (!(socket instanceof TLSSocket)) return null;
  return {
    binding: socket.exportKeyingMaterial(BINDING_BYTES, BINDING_LABEL, Buffer.alloc(0)),
    wrongHost: (host) => (needsCertificate ? wrongName(host, socket.getPeerCertificate()) : null),
  };
}
