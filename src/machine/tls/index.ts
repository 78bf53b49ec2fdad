/** TLS of Node.js: the certificates that a side shows and the authorities that it trusts. */
export { endOf, issuersOf } from "./issuers.ts";
export { endWith } from "./last-words.ts";
export { putTlsBefore, REASON_HEADER } from "./tls-front.ts";
export {
  certificatesIn,
  checkMaterial,
  dialTls,
  fixedTls,
  type TlsMaterial,
  type TlsSide,
  type TlsVersion,
} from "./tls-side.ts";
export { securityOf } from "./wire-security.ts";
