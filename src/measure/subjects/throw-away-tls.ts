/** Certificates for one benchmark: of all nodes together, as they are all on loopback. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAuthority, makeCertificate } from "../../machine/host/index.ts";

export interface ThrowAwayTls {
  /** For each server: TLS for clients and nodes, mutual among nodes. */
  readonly flags: readonly string[];
  /** For clients. */
  readonly client: { readonly ca: string };
  remove(): void;
}

const DAYS = 2;

/** @throws KvError when there is no openssl */
export function throwAwayCertificates(): ThrowAwayTls {
  const directory = mkdtempSync(join(tmpdir(), "omnikv-bench-tls-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  const files = (name: string): { cert: string; key: string } => ({
    cert: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  });
  try {
    const [authority, node] = [files("ca"), files("node")];
    makeAuthority(authority, DAYS);
    makeCertificate({ files: node, authority, name: "bench", hosts: ["127.0.0.1"], days: DAYS });
    const forClients = ["--cert-file", node.cert, "--key-file", node.key];
    const forPeers = ["--peer-cert-file", node.cert, "--peer-key-file", node.key];
    const trust = ["--peer-trusted-ca-file", authority.cert, "--peer-client-cert-auth"];
    return {
      flags: [...forClients, ...forPeers, ...trust],
      client: { ca: readFileSync(authority.cert, "utf8") },
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}
