/** How whoever asks a cluster says that it speaks TLS. */
export { type ClientTls, clientTlsIn, type TlsOption } from "./client-tls.ts";
