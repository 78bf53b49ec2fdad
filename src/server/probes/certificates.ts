/** When the certificates end that a node uses, as operators see it. Pure. No check: who is connected stays so when one has ended. */

export interface CertificateEnd {
  /** Of the port for clients and management, or of the one for peers. */
  readonly port: "clients" | "peers";
  /** The node's own, or the authority that vouches for it; where that is another, the one of those who connect. */
  readonly which: "own" | "authority";
  /** Unix time. */
  readonly endsMs: number;
}

const DAY_MS = 86_400_000;
/** A server warns of a certificate that ends so soon, and `omnikv health` names it. */
export const ENDS_SOON_MS = 14 * DAY_MS;

/** "certificate peers own ends 2027-01-01T00:00:00.000Z", which is no line of a check. */
export function renderCertificate({ port, which, endsMs }: CertificateEnd): string {
  return `certificate ${port} ${which} ends ${new Date(endsMs).toISOString()}`;
}

/** The lines of `renderCertificate` in what a node sent; all other lines are passed over. */
export function parseCertificates(text: string): readonly CertificateEnd[] {
  return text.split("\n").flatMap((line): CertificateEnd[] => {
    const match = /^certificate (clients|peers) (own|authority) ends ([0-9TZ:.+-]{1,40})$/.exec(
      line,
    );
    const [, port, which, time = ""] = match ?? [];
    const endsMs = Date.parse(time);
    if ((port !== "clients" && port !== "peers") || Number.isNaN(endsMs)) return [];
    return [{ port, which: which === "own" ? "own" : "authority", endsMs }];
  });
}

/** For people: "the certificate for peers ends in 3 days (2027-01-01T00:00:00.000Z)". Null: it does not end soon. */
export function endsSoonText(
  { port, which, endsMs }: CertificateEnd,
  nowMs: number,
): string | null {
  const leftMs = endsMs - nowMs;
  if (leftMs >= ENDS_SOON_MS) return null;
  const what = which === "own" ? "certificate" : "authority of certificates";
  const days = Math.floor(leftMs / DAY_MS);
  const left = days === 0 ? "within a day" : days === 1 ? "in a day" : `in ${days} days`;
  const when = leftMs <= 0 ? "has ended" : `ends ${left}`;
  return `the ${what} for ${port} ${when} (${new Date(endsMs).toISOString()})`;
}
