/** Authorities and certificates for tests, made once a file. They need the program openssl, as `omnikv cert` does. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import {
  makeAuthority,
  makeCertificate,
  type CertificateFiles,
} from "../../src/machine/host/certificate-maker.ts";
import type { TlsMaterial } from "../../src/machine/tls/tls-side.ts";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

export class Certificates {
  readonly directory = mkdtempSync(join(tmpdir(), "omnikv-certificates-"));
  readonly #authorities = new Map<string, CertificateFiles>();
  #made = 0;

  constructor() {
    afterAll(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  /** The authority of this name; made when it is asked for first. */
  authority(name = "ca"): CertificateFiles {
    const known = this.#authorities.get(name);
    if (known !== undefined) return known;
    const files = this.#files(name);
    makeAuthority(files, 30);
    this.#authorities.set(name, files);
    return files;
  }

  /** A new certificate. @param hosts none: of a client */
  files(hosts: readonly string[], { authority = "ca", days = 30 } = {}): CertificateFiles {
    const files = this.#files(`certificate${++this.#made}`);
    const by = this.authority(authority);
    makeCertificate({ files, authority: by, name: `test ${this.#made}`, hosts, days });
    return files;
  }

  /** The same as texts, with the authority that it trusts. */
  material(
    hosts: readonly string[],
    options: { readonly authority?: string; readonly days?: number; readonly trusts?: string } = {},
  ): Required<TlsMaterial> {
    const { cert, key } = this.files(hosts, options);
    return { ca: this.ca(options.trusts), cert: read(cert), key: read(key) };
  }

  ca(name = "ca"): string {
    return read(this.authority(name).cert);
  }

  #files(name: string): CertificateFiles {
    return {
      cert: join(this.directory, `${name}.crt`),
      key: join(this.directory, `${name}.key`),
    };
  }
}

const read = (path: string): string => readFileSync(path, "utf8");
