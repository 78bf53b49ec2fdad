/** TLS of Node.js: what a side shows and believes. */
export { endWith } from "./last-words.ts";
export { putTlsBefore, REASON_HEADER } from "./tls-front.ts";
export {
  checkMaterial,
  dialTls,
  fixedTls,
  type TlsMaterial,
  type TlsSide,
  type TlsVersion,
} from "./tls-side.ts";
export { securityOf } from "./wire-security.ts";
