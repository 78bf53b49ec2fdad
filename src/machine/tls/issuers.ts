/** Who vouches for a certificate: the way from it to an authority, as the other side of a handshake looks for it. */
import type { X509Certificate } from "node:crypto";

/** A longer way is none: so many certificates stand between an own one and its authority at most. */
const STEPS_MAX = 8;

/**
 * @param between those that are shown with it
 * @returns the issuers of the certificate, one after the other, the authority last; empty: it is trusted itself; null: no way leads to one of
 *   the authorities. Whether they have ended is not looked at
 */
export function issuersOf(
  certificate: X509Certificate,
  between: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): readonly X509Certificate[] | null {
  const issuers: X509Certificate[] = [];
  let last = certificate;
  while (issuers.length < STEPS_MAX) {
    if (authorities.some((authority) => isSame(authority, last))) return issuers;
    const authority = issuerOf(last, authorities);
    if (authority !== null) return [...issuers, authority];
    const next = issuerOf(last, between);
    if (next === null || issuers.some((known) => isSame(known, next))) return null;
    issuers.push(next);
    last = next;
  }
  return null;
}

/** An authority may have been made anew with the same key: of several the one counts that ends last. */
function issuerOf(
  certificate: X509Certificate,
  candidates: readonly X509Certificate[],
): X509Certificate | null {
  return candidates
    .filter((each) => certificate.checkIssued(each) && certificate.verify(each.publicKey))
    .reduce<X509Certificate | null>(
      (best, each) => (best === null || endOf(each) > endOf(best) ? each : best),
      null,
    );
}

/** Unix time in milliseconds at which nobody takes the certificate any more. */
export function endOf(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

function isSame(a: X509Certificate, b: X509Certificate): boolean {
  return a.fingerprint256 === b.fingerprint256;
}
