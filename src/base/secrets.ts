/**
 * The secrets that a side knows. Several at a time, so that a cluster can change its secret while it serves: the first is the
 * one that is proved to others, each of them is accepted from others.
 *
 * A text never changes; null means that there is none. A function is asked at each handshake: it may name others each time,
 * and names at least one.
 */
export type Secrets = string | null | (() => readonly string[]);

/** Empty when this side knows no secret. */
export function secretsNow(secrets: Secrets): readonly string[] {
  if (secrets === null) return [];
  return typeof secrets === "string" ? [secrets] : secrets();
}
