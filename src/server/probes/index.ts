/** The checks that tell whether a node can serve. */
export {
  type CertificateEnd,
  ENDS_SOON_MS,
  endsSoonText,
  parseCertificates,
} from "./certificates.ts";
export {
  type Check,
  checksOf,
  deathOf,
  isReady,
  type Life,
  parseChecks,
  PASSED_TEXT,
  renderChecks,
  type ToldCheck,
} from "./checks.ts";
export { provesToken, readToken } from "./read-token.ts";
