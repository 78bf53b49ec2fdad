/** Host names as they stand in a Host header. */
import { isIP } from "node:net";

export const LOOPBACK_HOSTS: readonly string[] = ["127.0.0.1", "localhost", "::1"];

export interface HostAndPort {
  /** Without brackets, lower case. */
  readonly host: string;
  readonly port: number;
}

/** @param defaultPort of the scheme, which a header leaves out @returns null: that is none */
export function parseHost(header: string | undefined, defaultPort: number): HostAndPort | null {
  if (header === undefined || !/^[A-Za-z0-9._:[\]-]{1,260}$/.test(header)) return null;
  // A URL hides the port that is its scheme's own, so the port is read from the header.
  if (!URL.canParse(`http://${header}`)) return null;
  const { hostname, pathname } = new URL(`http://${header}`);
  if (pathname !== "/") return null;
  const port = /:(\d{1,5})$/.exec(header)?.[1];
  return {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === undefined ? defaultPort : Number(port),
  };
}

/** Addresses cannot be made to point elsewhere; names can. */
export function isKnownHost(host: string, names: readonly string[]): boolean {
  return host === "localhost" || isIP(host) !== 0 || names.includes(host);
}
