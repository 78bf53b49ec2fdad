/** How a client says that it speaks TLS. */
export { type ClientTls, clientTlsIn, type TlsOption } from "./client-tls.ts";
