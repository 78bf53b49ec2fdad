/** From the flags to a server's secrets and certificates. */
import { resolve } from "node:path";
import { KvError, type Secrets } from "../../base/index.ts";
import {
  checkExposure,
  clientTlsFlags,
  isLoopback,
  parseTlsVersion,
  peerTlsFlags,
  type CredentialFlags,
  type TlsFlags,
} from "./credential-flags.ts";
import { SecretFile, type Credential } from "./credentials.ts";
import { TlsFiles } from "./tls-files.ts";

export interface Credentials {
  readonly secret: Secrets;
  readonly peerSecret: Secrets;
  readonly clientTls: TlsFiles | null;
  readonly peerTls: TlsFiles | null;
  readonly all: readonly Credential[];
  readonly warnings: readonly string[];
}

/**
 * @param host on which the server listens
 * @param name under which others reach it, as the list of nodes has it
 * @param clientsUseTls so the cluster file says
 * @throws KvError BAD_REQUEST that names the flag and says what to do
 */
export function credentials(
  flags: CredentialFlags,
  host: string,
  name: string,
  clientsUseTls: boolean,
): Credentials {
  const { secretFile, peerSecretFile } = flags;
  const version = parseTlsVersion(flags.tlsMinVersion ?? "1.3", "--tls-min-version");
  const forClients = clientTlsFlags(flags);
  const forPeers = peerTlsFlags(flags);
  if (clientsUseTls && forClients === null) {
    const text =
      "--cluster: the file says that clients use TLS (tls): give this node --cert-file and --key-file";
    throw new KvError("BAD_REQUEST", text);
  }
  checkExposure({
    host,
    hasSecret: secretFile !== undefined,
    hasPeerSecret: peerSecretFile !== undefined,
    clientTls: forClients,
    peerTls: forPeers,
    allowPlainText: flags.allowPlainText === true,
  });
  const secret =
    secretFile === undefined ? null : new SecretFile(resolve(secretFile), "--secret-file");
  const peerSecret =
    peerSecretFile === undefined
      ? null
      : new SecretFile(resolve(peerSecretFile), "--peer-secret-file");
  if (secret !== null) peerSecret?.keepApartFrom(secret);
  const clientTls = forClients === null ? null : new TlsFiles(absolute(forClients), name, version);
  const peerTls = forPeers === null ? null : new TlsFiles(absolute(forPeers), name, version);
  // On loopback, nodes without a credential of their own go on with that of clients, as they did in version 0.1.
  const isShared = peerSecret === null && secret !== null && !forPeers?.needsCertificate;
  return {
    secret: secret?.secrets ?? null,
    peerSecret: (peerSecret ?? (isShared ? secret : null))?.secrets ?? null,
    clientTls,
    peerTls,
    all: [secret, peerSecret, clientTls, peerTls].filter((each) => each !== null),
    warnings: warnings(flags, host, isShared),
  };
}

function warnings(flags: CredentialFlags, host: string, isShared: boolean): readonly string[] {
  const told: string[] = [];
  if (isShared) {
    told.push(
      "nodes prove the secret of clients to each other, so whoever may write keys may pass for a node: give all nodes a --peer-secret-file",
    );
  }
  if (flags.allowPlainText === true && !isLoopback(host)) {
    told.push(
      "--allow-plain-text: whoever is between this node and others reads what is not in TLS, and can change it on the way",
    );
  }
  return told;
}

function absolute(flags: TlsFlags): TlsFlags {
  const { cert, key, ca } = flags;
  return {
    ...flags,
    cert: resolve(cert),
    key: resolve(key),
    ca: ca === null ? null : resolve(ca),
  };
}
