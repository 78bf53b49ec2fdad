/** A server's credentials, read from files and read again when the files change: what they have in common, and secrets. */
import { KvError, type Secrets } from "../../base/index.ts";
import { readSecretFile } from "../config/index.ts";
import { KeptFiles } from "../../machine/host/index.ts";
import type { Logger } from "../../machine/ports/index.ts";
import type { CertificateEnd } from "../probes/index.ts";

/** A credential that may change while a server runs. */
export interface Credential {
  /** Begins to look for changes, and says so when there are some. */
  watch(logger: Logger, intervalMs?: number): void;
  stop(): void;
  /** When the certificates end that are in use now. Left out: there are none. */
  ends?(): readonly CertificateEnd[];
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
