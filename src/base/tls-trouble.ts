/** Refusals of TLS as sentences that say what to do. Each side says what it sees: either sees another part of the failure. */

/** The reason for which a connection ended begins so when TLS ended it: nothing changes until an operator acts. */
export const TLS_TROUBLE = "TLS: ";

const NOT_TRUSTED = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "INVALID_CA",
]);
const PLAIN_TEXT = new Set([
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_HTTP_REQUEST",
  "ERR_SSL_HTTPS_PROXY_REQUEST",
]);
const NO_COMMON_VERSION = new Set([
  "ERR_SSL_UNSUPPORTED_PROTOCOL",
  "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  "ERR_SSL_VERSION_TOO_LOW",
]);
/** Alerts of the other side. OpenSSL has called the same ones by several names. */
const THEY_DO_NOT_TRUST =
  /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS)_ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|CERTIFICATE_EXPIRED|CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/;

const TRUSTED_BY =
  "is not from an authority that is trusted here: check --cacert of clients, --trusted-ca-file and --peer-trusted-ca-file of servers (tls.ca in programs)";

/** @returns null: the error is not about TLS */
export function tlsTroubleOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") {
    return null;
  }
  // Found while something was written, the same error comes as one of the system, with its name in the text only.
  const name = error.code === "EPROTO" ? /SSL routines:[^:]*:([^:]+):/.exec(error.message) : null;
  const code =
    name?.[1] === undefined ? error.code : `ERR_SSL_${name[1].toUpperCase().replaceAll(" ", "_")}`;
  return tlsTrouble(code, name?.[1] ?? error.message);
}

/**
 * @param code of an error, as Node.js gives it
 * @param said by the error itself, for what has no sentence
 * @returns null: it is not about TLS
 */
export function tlsTrouble(code: string, said: string): string | null {
  const sentence = sentenceOf(code, said);
  return sentence === null ? null : `${TLS_TROUBLE}${sentence}`;
}

/**
 * For the side whose certificate is refused, without the beginning.
 * @param code why, as the side gives it that refuses
 */
export function ownCertificateTrouble(code: string): string {
  if (NOT_TRUSTED.has(code)) return refusedThere("not from an authority that is trusted there");
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return refusedThere("it has expired, by the clock there");
    case "CERT_NOT_YET_VALID":
      return refusedThere("it is not valid yet, by the clock there");
    case "INVALID_PURPOSE":
    case "ERR_SSL_UNSUPPORTED_CERTIFICATE_PURPOSE":
      return refusedThere("it was not made for this");
    default:
      return refusedThere(code);
  }
}

function refusedThere(why: string): string {
  return `the other side refuses the certificate of this side (${why}): check --cert and --key of clients, --peer-cert-file of nodes (tls.cert in programs), and whom the other side trusts (--trusted-ca-file, --peer-trusted-ca-file; --cacert of clients)`;
}

function sentenceOf(code: string, said: string): string | null {
  if (PLAIN_TEXT.has(code)) {
    return "the other side speaks plain text: start it with TLS too (--cert-file and --key-file of servers, --cacert or https:// of clients), or leave TLS out here";
  }
  if (NOT_TRUSTED.has(code)) return `the other side's certificate ${TRUSTED_BY}`;
  if (NO_COMMON_VERSION.has(code)) {
    return "the two sides have no version of TLS in common: 1.3 is wanted, and 1.2 is taken only with --tls-min-version 1.2 (tls.minVersion in programs)";
  }
  if (THEY_DO_NOT_TRUST.test(code)) {
    return refusedThere(said);
  }
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return said;
    case "CERT_HAS_EXPIRED":
      return "the other side's certificate has expired: put a new one in its place, which takes no restart, and compare the clocks";
    case "CERT_NOT_YET_VALID":
      return "the other side's certificate is not valid yet: compare the clocks of the two machines";
    case "INVALID_PURPOSE":
    case "ERR_SSL_UNSUPPORTED_CERTIFICATE_PURPOSE":
      return "the other side's certificate was not made for this: a client's is none for a server (extended key usage)";
    case "CERT_REVOKED":
      return "the other side's certificate was revoked";
    default:
      return /^(?:ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|ERR_OSSL)/.test(code) ? said : null;
  }
}
