/**
 * Proves to the pages for operators that a reader knows the cluster's secret, without telling the secret: a token that is made of it, and
 * that opens these pages only. The token travels in clear, as everything does here; an eavesdropper may see these pages.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

const PURPOSE = "omnikv read token, version 1";

/** The same on all nodes of a cluster, for as long as the secret is the same. */
export function readToken(secret: string): string {
  return createHmac("sha256", secret).update(PURPOSE).digest("base64url");
}

/** @param header of `Authorization`, as it came */
export function provesToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +([A-Za-z0-9_-]{1,128})$/i.exec(header ?? "")?.[1];
  if (given === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
