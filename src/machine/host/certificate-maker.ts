/**
 * Certificates for a lab, made by the `openssl` of the system: Node.js makes keys, and signs no certificates. Keys are P-256,
 * which every TLS of today takes; only their owner can read them, and no existing file is overwritten.
 */
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KvError, systemCode } from "../../base/index.ts";
import { PRIVATE_FILE } from "./private-files.ts";

const CERTIFICATE_FILE = 0o644;
const SERIAL_BYTES = 16;

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface CertificatePlan {
  readonly files: CertificateFiles;
  readonly authority: CertificateFiles;
  /** The common name: for people. */
  readonly name: string;
  /** The host names and addresses under which a node is reached. A client has none. */
  readonly hosts: readonly string[];
  /** From now. */
  readonly days: number;
}

/** @param days from now @throws KvError when there is no openssl, or a file exists already */
export function makeAuthority(files: CertificateFiles, days: number): void {
  // The names tell two authorities apart: a program that looks for the signer looks for its name first.
  const name = `omnikv lab authority ${randomBytes(4).toString("hex")}`;
  const extensions = [
    "basicConstraints=critical,CA:TRUE,pathlen:0",
    "keyUsage=critical,keyCertSign,cRLSign",
    "subjectKeyIdentifier=hash",
  ];
  sign(files, name, extensions, ["-signkey", files.key, "-days", String(days)]);
}

/** As `makeAuthority`: of a node when hosts are given, of a client when there are none. */
export function makeCertificate({ files, authority, name, hosts, days }: CertificatePlan): void {
  const names = hosts.map((host) => `${isIP(host) === 0 ? "DNS" : "IP"}:${host}`);
  const isNode = names.length > 0;
  const extensions = [
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    // A node is dialed by others and dials them; a client's certificate makes no server.
    `extendedKeyUsage=${isNode ? "serverAuth,clientAuth" : "clientAuth"}`,
    ...(isNode ? [`subjectAltName=${names.join(",")}`] : []),
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
  ];
  const signer = ["-CA", authority.cert, "-CAkey", authority.key, "-days", String(days)];
  sign(files, name, extensions, signer);
}

function sign(
  { cert, key }: CertificateFiles,
  name: string,
  extensions: readonly string[],
  signer: readonly string[],
): void {
  const there = [cert, key].find((path) => existsSync(path));
  if (there !== undefined) {
    const said = `${there} is there already, and is not overwritten: move it away, or give another directory`;
    throw new KvError("FORBIDDEN", said);
  }
  const directory = mkdtempSync(join(tmpdir(), "omnikv-cert-"));
  try {
    writeFileSync(key, newKey(), { flag: "wx", mode: PRIVATE_FILE });
    const config = join(directory, "openssl.cnf");
    const text = ["[req]", "distinguished_name=dn", "prompt=no", "[dn]", `CN=${name}`];
    writeFileSync(config, [...text, "[ext]", ...extensions, ""].join("\n"));
    const request = join(directory, "request.pem");
    openssl(["req", "-new", "-config", config, "-key", key, "-out", request]);
    const serial = BigInt(`0x${randomBytes(SERIAL_BYTES).toString("hex")}`) >> 1n;
    const what = ["-in", request, "-extfile", config, "-extensions", "ext"];
    const how = ["-sha256", "-set_serial", String(serial), ...signer];
    const made = openssl(["x509", "-req", ...what, ...how]);
    writeFileSync(cert, made, { flag: "wx", mode: CERTIFICATE_FILE });
  } catch (error) {
    rmSync(key, { force: true });
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function newKey(): string {
  return generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  }).privateKey;
}

function openssl(args: readonly string[]): string {
  try {
    return execFileSync("openssl", [...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") {
      const text =
        "certificates are made by openssl, which is not here: install it (Debian: apt-get install openssl), or bring certificates of your own (docs/tls.md)";
      throw new KvError("BAD_REQUEST", text, { cause });
    }
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new KvError("INTERNAL", `openssl could not make the certificate: ${said}`, { cause });
  }
}
