/** The flags that name secrets and certificates, and which of them belong together. Pure: it reads no file. */
import { isIP } from "node:net";
import { KvError } from "../../base/index.ts";
import type { TlsVersion } from "../../machine/tls/index.ts";

export interface CredentialFlags {
  readonly secretFile?: string;
  readonly peerSecretFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly trustedCaFile?: string;
  readonly clientCertAuth?: true;
  readonly peerCertFile?: string;
  readonly peerKeyFile?: string;
  readonly peerTrustedCaFile?: string;
  readonly peerClientCertAuth?: true;
  readonly tlsMinVersion?: string;
  readonly allowPlainText?: true;
}

/** The files of one port's TLS. */
export interface TlsFlags {
  readonly port: "clients" | "peers";
  readonly cert: string;
  readonly key: string;
  readonly ca: string | null;
  readonly needsCertificate: boolean;
  /** As in errors: "--cert-file" or "--peer-cert-file". */
  readonly certFlag: string;
  readonly keyFlag: string;
  readonly caFlag: string;
}

/** @throws KvError BAD_REQUEST */
export function clientTlsFlags(flags: CredentialFlags): TlsFlags | null {
  const { certFile, keyFile, trustedCaFile, clientCertAuth } = flags;
  const needsCertificate = clientCertAuth === true;
  if (trustedCaFile !== undefined && !needsCertificate) {
    const text =
      "--trusted-ca-file: says whose certificates clients show, and without --client-cert-auth they show none: give both, or neither";
    throw new KvError("BAD_REQUEST", text);
  }
  return tlsFlags("", certFile, keyFile, trustedCaFile, needsCertificate);
}

/** @throws KvError BAD_REQUEST */
export function peerTlsFlags(flags: CredentialFlags): TlsFlags | null {
  const { peerCertFile, peerKeyFile, peerTrustedCaFile, peerClientCertAuth } = flags;
  const needsCertificate = peerClientCertAuth === true;
  return tlsFlags("peer-", peerCertFile, peerKeyFile, peerTrustedCaFile, needsCertificate);
}

function tlsFlags(
  prefix: "" | "peer-",
  cert: string | undefined,
  key: string | undefined,
  ca: string | undefined,
  needsCertificate: boolean,
): TlsFlags | null {
  const certFlag = `--${prefix}cert-file`;
  const keyFlag = `--${prefix}key-file`;
  const caFlag = `--${prefix}trusted-ca-file`;
  const authFlag = prefix === "" ? "--client-cert-auth" : "--peer-client-cert-auth";
  if (cert === undefined && key === undefined) {
    const given = needsCertificate ? authFlag : ca === undefined ? null : caFlag;
    if (given === null) return null;
    throw new KvError(
      "BAD_REQUEST",
      `${given}: is about TLS, which needs ${certFlag} and ${keyFlag}`,
    );
  }
  if (cert === undefined || key === undefined) {
    const [given, missing] = cert === undefined ? [keyFlag, certFlag] : [certFlag, keyFlag];
    throw new KvError("BAD_REQUEST", `${given}: needs ${missing} too`);
  }
  if (needsCertificate && ca === undefined) {
    const text = `${authFlag}: needs ${caFlag}, which says whose certificates are taken`;
    throw new KvError("BAD_REQUEST", text);
  }
  const port = prefix === "" ? "clients" : "peers";
  return { port, cert, key, ca: ca ?? null, needsCertificate, certFlag, keyFlag, caFlag };
}

/** @throws KvError BAD_REQUEST */
export function parseTlsVersion(text: string, flag: string): TlsVersion {
  if (text === "1.3" || text === "TLS1.3") return "TLSv1.3";
  if (text === "1.2" || text === "TLS1.2") return "TLSv1.2";
  throw new KvError("BAD_REQUEST", `${flag}: expected 1.3 or 1.2, got "${text}"`);
}

export interface Exposure {
  readonly host: string;
  readonly hasSecret: boolean;
  readonly hasPeerSecret: boolean;
  readonly clientTls: TlsFlags | null;
  readonly peerTls: TlsFlags | null;
  readonly allowPlainText: boolean;
}

/**
 * What a server must have before it listens where others reach it: a secret or certificates that prove who connects, and a wire that no
 * stranger can read, for clients and for nodes. On loopback it may have nothing, for a lab.
 * @throws KvError BAD_REQUEST that says what is missing and what to do
 */
export function checkExposure(exposure: Exposure): void {
  const { host, hasSecret, hasPeerSecret, clientTls, peerTls, allowPlainText } = exposure;
  if (isLoopback(host)) return;
  const reached = `--host: ${host} can be reached from other machines`;
  if (!hasSecret && clientTls?.needsCertificate !== true) {
    throw new KvError(
      "BAD_REQUEST",
      `${reached}, and without a secret anybody there could read and write; give all nodes and clients the same ` +
        `--secret-file (\`omnikv secret FILE\` makes one), or have clients show certificates (--client-cert-auth), or bind to 127.0.0.1`,
    );
  }
  if (!hasPeerSecret && peerTls?.needsCertificate !== true) {
    throw new KvError(
      "BAD_REQUEST",
      `${reached}, and whoever may write keys must not thereby be a node; give all nodes the same --peer-secret-file, which ` +
        `clients do not get (\`omnikv secret FILE\` makes one), or have them show certificates (--peer-client-cert-auth). ` +
        `Up to version 0.1 nodes used the secret of clients: stop all nodes and start all with it`,
    );
  }
  if (allowPlainText || (clientTls !== null && peerTls !== null)) return;
  const who = clientTls !== null ? "nodes" : peerTls !== null ? "clients" : "clients and nodes";
  throw new KvError(
    "BAD_REQUEST",
    `${reached}, and ${who} would talk in plain text: whoever is between them reads it all and can change it on the way. Give ` +
      `certificates (--cert-file, --key-file, --peer-cert-file, --peer-key-file; \`omnikv cert\` makes some for a lab), or say ` +
      `--allow-plain-text where a tunnel or a closed network does the same. Up to version 0.1 plain text needed no flag`,
  );
}

export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
