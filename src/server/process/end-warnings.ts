/** What the log says of certificates that end soon, or have ended: as soon as that is so, and once a day from then on. */
import type { Logger } from "../../machine/ports/index.ts";
import { type CertificateEnd, ENDS_SOON_MS } from "../probes/index.ts";

const DAY_MS = 86_400_000;
const LOOK_MS = 60_000;

interface Said {
  readonly hasEnded: boolean;
  readonly atMs: number;
}

export class EndWarnings {
  readonly #ends: () => readonly (CertificateEnd & { readonly file: string })[];
  readonly #said = new Map<CertificateEnd["which"], Said>();
  #logger: Logger | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param ends of the certificates in use now */
  constructor(ends: () => readonly (CertificateEnd & { readonly file: string })[]) {
    this.#ends = ends;
  }

  /** Begins, or begins anew with other certificates. Keeps no process alive. */
  start(logger: Logger): void {
    this.#logger = logger;
    this.#said.clear();
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
    this.#look();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    const nowMs = Date.now();
    for (const { which, endsMs, file } of this.#ends()) {
      const leftMs = endsMs - nowMs;
      if (leftMs >= ENDS_SOON_MS) continue;
      const hasEnded = leftMs <= 0;
      const said = this.#said.get(which);
      // The clock of the wall may go back.
      const isFresh = said !== undefined && Math.abs(nowMs - said.atMs) < DAY_MS;
      if (isFresh && said.hasEnded === hasEnded) continue;
      this.#said.set(which, { hasEnded, atMs: nowMs });
      const until = new Date(endsMs).toISOString();
      if (hasEnded) {
        this.#logger?.error(
          "a certificate has ended: new connections are refused until a new one is in its place",
          { file, certificate: which, until },
        );
      } else {
        const days = Math.floor(leftMs / DAY_MS);
        this.#logger?.warn(
          "a certificate ends soon: put a new one in its place, without a restart",
          { file, certificate: which, days, until },
        );
      }
    }
  }
}
