/** Host names as they stand in a Host header. */
import { isIP } from "node:net";

export const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "localhost", "::1"];

/** Without port and brackets, lower case; null when it is none. */
export function hostIn(header: string | undefined): string | null {
  if (header === undefined || !/^[A-Za-z0-9._:[\]-]{1,260}$/.test(header)) return null;
  if (!URL.canParse(`http://${header}`)) return null;
  const url = new URL(`http://${header}`);
  return url.pathname === "/" ? url.hostname.replace(/^\[|\]$/g, "") : null;
}

/** Addresses cannot be made to point elsewhere; names can. */
export function isKnownHost(host: string, names: readonly string[]): boolean {
  return host === "localhost" || isIP(host) !== 0 || names.includes(host);
}

/** "Every address of this machine": good for listening only. */
export function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
