/**
 * A server's certificates, read from files and read again when the files change.
 *
 * Invariants:
 *   CERT-1. What was in order stays so: a certificate that names the node's host is replaced by such a one only, and one of an authority
 *       that this node trusts by such a one only. Others would refuse it, and the node, which goes on with what it has, says so.
 *   CERT-2. At the start, where there is nothing to go on with, the same is a warning at most: a certificate for clients may be of an
 *       authority that the node itself trusts in nothing, and may name an address in front of the node.
 *   CERT-3. One that was made for another purpose is never taken: no program accepts it from a server, or from a node that dials.
 */
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { KvError } from "../../base/index.ts";
import { FILE_MAX, readPrivateFile, readRegularText } from "../config/index.ts";
import { KeptFiles } from "../../machine/host/index.ts";
import {
  certificatesIn,
  checkMaterial,
  endOf,
  issuersOf,
  type TlsMaterial,
  type TlsSide,
  type TlsVersion,
} from "../../machine/tls/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import type { CertificateEnd } from "../probes/index.ts";
import { EndWarnings } from "./end-warnings.ts";
import type { TlsFlags } from "./credential-flags.ts";
import type { Credential } from "./credentials.ts";

interface Read {
  readonly material: TlsMaterial;
  readonly certificate: X509Certificate;
  /** Up to an authority that this node trusts. Null: there is none, or none is named that it trusts. */
  readonly issuers: readonly X509Certificate[] | null;
  readonly authorities: readonly X509Certificate[];
}

/** Of certificates, RFC 5280, 4.2.1.12. */
const PURPOSES = {
  server: { oid: "1.3.6.1.5.5.7.3.1", name: "serverAuth", who: "servers" },
  client: { oid: "1.3.6.1.5.5.7.3.2", name: "clientAuth", who: "nodes that dial others" },
} as const;

export class TlsFiles implements TlsSide, Credential {
  readonly minVersion: TlsVersion;
  readonly needsCertificate: boolean;
  readonly #flags: TlsFlags;
  /** The host name under which others reach this server. */
  readonly #host: string;
  readonly #kept: KeptFiles<Read>;
  /** What is in use. Null: nothing was read yet. */
  #inUse: Read | null = null;
  readonly #told = new Set<() => void>();
  readonly #warnings = new EndWarnings(() => this.ends());
  #logger: Logger | null = null;

  /**
   * @param host the name or address under which others reach this server
   * @throws KvError BAD_REQUEST
   */
  constructor(flags: TlsFlags, host: string, minVersion: TlsVersion) {
    this.#flags = flags;
    this.#host = host;
    this.minVersion = minVersion;
    this.needsCertificate = flags.needsCertificate;
    this.#kept = new KeptFiles({
      paths: [flags.cert, flags.key, ...(flags.ca === null ? [] : [flags.ca])],
      read: () => {
        const read = this.#read();
        if (this.#inUse !== null) this.#refuseWorse(this.#inUse, read);
        this.#inUse = read;
        return read;
      },
      onRead: ({ certificate }) => {
        for (const told of this.#told) told();
        this.#logger?.info("the certificates have changed: new connections use them", {
          file: flags.cert,
          until: certificate.validTo,
        });
        this.#warn();
      },
      onTrouble: (error) =>
        this.#logger?.error(
          "the new certificates cannot be used: those from before stay, until they end",
          { reason: error.message, until: this.#kept.value.certificate.validTo },
        ),
    });
  }

  current(): TlsMaterial {
    return this.#kept.value.material;
  }

  onChange(told: () => void): () => void {
    this.#told.add(told);
    return () => void this.#told.delete(told);
  }

  watch(logger: Logger, intervalMs?: number): void {
    this.#logger = logger;
    this.#kept.watch(intervalMs);
    this.#warn();
  }

  stop(): void {
    this.#kept.stop();
    this.#warnings.stop();
  }

  ends(): readonly (CertificateEnd & { readonly file: string })[] {
    const { cert, ca, port } = this.#flags;
    const { certificate, issuers, authorities } = this.#kept.value;
    const own = { port, which: "own", endsMs: endOf(certificate), file: cert } as const;
    if (ca === null) return [own];
    // Of those who vouch for the own certificate the first to end counts; of authorities that vouch for others, the last.
    const endsMs =
      issuers === null || issuers.length === 0
        ? Math.max(...authorities.map(endOf))
        : Math.min(...issuers.map(endOf));
    return [own, { port, which: "authority", endsMs, file: ca }];
  }

  #read(): Read {
    const { cert, key, ca, certFlag, keyFlag, caFlag } = this.#flags;
    const material = {
      cert: readRegularText(cert, certFlag, FILE_MAX.pem),
      key: Buffer.from(readPrivateFile(key, keyFlag, "a private key")).toString("utf8"),
      ...(ca === null ? {} : { ca: readRegularText(ca, caFlag, FILE_MAX.pem) }),
    };
    let certificate: X509Certificate | null;
    try {
      certificate = checkMaterial(material);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new KvError("BAD_REQUEST", `${certFlag}: ${cert} with ${key}: ${reason}`, { cause });
    }
    if (certificate === null) throw new KvError("BAD_REQUEST", `${certFlag}: ${cert} is empty`);
    if (endOf(certificate) <= Date.now()) {
      const text = `${cert} has expired (${certificate.validTo}): nobody takes it any more; put a new one in its place`;
      throw new KvError("BAD_REQUEST", `${certFlag}: ${text}`);
    }
    this.#checkPurpose(certificate);
    const shown = certificatesIn(material.cert, "the certificate file");
    const authorities = certificatesIn(material.ca ?? "", "the file of the authorities");
    return {
      material,
      certificate,
      issuers: issuersOf(certificate, shown.slice(1), authorities),
      authorities,
    };
  }

  /** CERT-3. @throws KvError BAD_REQUEST */
  #checkPurpose({ keyUsage: extended }: X509Certificate): void {
    const { cert, certFlag, port, needsCertificate } = this.#flags;
    // Without the extension it is good for everything.
    if (extended === undefined) return;
    const needed = [
      PURPOSES.server,
      ...(port === "peers" && needsCertificate ? [PURPOSES.client] : []),
    ];
    const lacking = needed.find(({ oid }) => !extended.includes(oid));
    if (lacking === undefined) return;
    const text = `${cert} was not made for ${lacking.who} (its extended key usage lacks ${lacking.name}): everybody would refuse it`;
    throw new KvError("BAD_REQUEST", `${certFlag}: ${text}`);
  }

  /** CERT-1. @throws KvError BAD_REQUEST */
  #refuseWorse(before: Read, { certificate, issuers }: Read): void {
    const { cert, ca, certFlag, port } = this.#flags;
    const isOther = certificate.fingerprint256 !== before.certificate.fingerprint256;
    if (isOther && this.#isNamedIn(before.certificate) && !this.#isNamedIn(certificate)) {
      const names = certificate.subjectAltName ?? "no host at all";
      const text = `${cert} is not for ${this.#host}, under which others reach this node, but for ${names}: they would refuse it`;
      throw new KvError("BAD_REQUEST", `${certFlag}: ${text}`);
    }
    // Whom clients' certificates are taken from is nothing to the server's own, as long as that stays: nodes are each other's clients.
    const isAsked = isOther || port === "peers";
    if (!isAsked || before.issuers === null || issuers !== null) return;
    const by = certificate.issuer.replaceAll("\n", ", ");
    const text = `${cert} is of no authority in ${ca ?? ""} (it is of "${by}"), as the one in use is: whoever trusts the same ones would refuse it. Put its authority into the file first; if it is meant so, start the node again`;
    throw new KvError("BAD_REQUEST", `${certFlag}: ${text}`);
  }

  #isNamedIn(certificate: X509Certificate): boolean {
    const host = this.#host;
    const named =
      isIP(host) === 0
        ? certificate.checkHost(host, { subject: "never" })
        : certificate.checkIP(host);
    return named !== undefined;
  }

  /** Warns of certificates that others will refuse, now or soon. */
  #warn(): void {
    const { certificate, issuers } = this.#kept.value;
    const { cert: file, ca, port } = this.#flags;
    if (this.#logger !== null) this.#warnings.start(this.#logger);
    if (!this.#isNamedIn(certificate)) {
      this.#logger?.warn("a certificate does not name this node's host: others will refuse it", {
        file,
        host: this.#host,
        names: certificate.subjectAltName ?? "none",
      });
    }
    if (port === "peers" && ca !== null && issuers === null) {
      this.#logger?.warn(
        "a certificate for peers is of no authority that this node trusts: peers that trust the same ones refuse it",
        { file, authorities: ca, issuer: certificate.issuer.replaceAll("\n", ", ") },
      );
    }
  }
}
