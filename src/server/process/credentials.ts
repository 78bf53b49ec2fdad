/** A server's secrets and certificates, read from files and read again when the files change. */
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { KvError, type Secrets } from "../../base/index.ts";
import { FILE_MAX, readPrivateFile, readRegularText, readSecretFile } from "../config/index.ts";
import { KeptFiles } from "../../machine/host/index.ts";
import {
  checkMaterial,
  type TlsMaterial,
  type TlsSide,
  type TlsVersion,
} from "../../machine/tls/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import type { TlsFlags } from "./credential-flags.ts";

const DAY_MS = 86_400_000;
/** The server warns, once a day, of a certificate that ends so soon. */
const EXPIRES_SOON_DAYS = 14;

/** A credential that may change while a server runs. */
export interface Credential {
  /** Begins to look for changes, and says so when there are some. */
  watch(logger: Logger, intervalMs?: number): void;
  stop(): void;
}

export class SecretFile implements Credential {
  readonly #kept: KeptFiles<readonly string[]>;
  #logger: Logger | null = null;
  #other: SecretFile | null = null;

  /** @param path absolute @throws KvError BAD_REQUEST */
  constructor(path: string, flag: string) {
    this.#kept = new KeptFiles({
      paths: [path],
      read: () => this.#checked(readSecretFile(path, flag)),
      onRead: (secrets) =>
        this.#logger?.info("the secrets have changed: new connections use them", {
          flag,
          accepted: secrets.length,
        }),
      onTrouble: (error) =>
        this.#logger?.error("the new secrets cannot be used: those from before stay", {
          reason: error.message,
        }),
    });
  }

  get secrets(): Exclude<Secrets, string | null> {
    return () => this.#kept.value;
  }

  /**
   * These are the nodes' own, and those of clients: from now on neither file is taken up while it holds a secret of the other.
   * @throws KvError BAD_REQUEST when one does now
   */
  keepApartFrom(ofClients: SecretFile): void {
    this.#other = ofClients;
    ofClients.#other = this;
    this.#checked(this.#kept.value);
  }

  /** @throws KvError BAD_REQUEST */
  #checked(secrets: readonly string[]): readonly string[] {
    const known = this.#other?.secrets() ?? [];
    if (!secrets.some((secret) => known.includes(secret))) return secrets;
    const text =
      "--peer-secret-file: holds a secret of --secret-file too: whoever may write keys would be a node; make another (`omnikv secret FILE`)";
    throw new KvError("BAD_REQUEST", text);
  }

  watch(logger: Logger, intervalMs?: number): void {
    this.#logger = logger;
    this.#kept.watch(intervalMs);
  }

  stop(): void {
    this.#kept.stop();
  }
}

interface Read {
  readonly material: TlsMaterial;
  readonly certificate: X509Certificate;
}

export class TlsFiles implements TlsSide, Credential {
  readonly minVersion: TlsVersion;
  readonly needsCertificate: boolean;
  readonly #flags: TlsFlags;
  /** The host name under which others reach this server. */
  readonly #host: string;
  readonly #kept: KeptFiles<Read>;
  readonly #told = new Set<() => void>();
  #logger: Logger | null = null;
  #daily: NodeJS.Timeout | null = null;

  /** @throws KvError BAD_REQUEST */
  constructor(flags: TlsFlags, host: string, minVersion: TlsVersion) {
    this.#flags = flags;
    this.#host = host;
    this.minVersion = minVersion;
    this.needsCertificate = flags.needsCertificate;
    this.#kept = new KeptFiles({
      paths: [flags.cert, flags.key, ...(flags.ca === null ? [] : [flags.ca])],
      read: () => this.#read(),
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
    this.#daily ??= setInterval(() => this.#warn(), DAY_MS).unref();
    this.#warn();
  }

  stop(): void {
    this.#kept.stop();
    if (this.#daily !== null) clearInterval(this.#daily);
    this.#daily = null;
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
    const until = Date.parse(certificate.validTo);
    if (until <= Date.now()) {
      const text = `${cert} has expired (${certificate.validTo}): nobody takes it any more; put a new one in its place`;
      throw new KvError("BAD_REQUEST", `${certFlag}: ${text}`);
    }
    return { material, certificate };
  }

  /** Warns of certificates that others will refuse, now or soon. */
  #warn(): void {
    const { certificate } = this.#kept.value;
    const file = this.#flags.cert;
    const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / DAY_MS);
    if (days < EXPIRES_SOON_DAYS) {
      this.#logger?.warn("a certificate ends soon: put a new one in its place, without a restart", {
        file,
        days,
        until: certificate.validTo,
      });
    }
    const host = this.#host;
    const isNamed =
      isIP(host) === 0
        ? certificate.checkHost(host, { subject: "never" })
        : certificate.checkIP(host);
    if (isNamed === undefined) {
      this.#logger?.warn("a certificate does not name this node's host: others will refuse it", {
        file,
        host,
        names: certificate.subjectAltName ?? "none",
      });
    }
  }
}
