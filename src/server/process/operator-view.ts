/** What operators see of this server over HTTP: the node, and the state of the process. */
import type { RequestListener } from "node:http";
import type { Secrets } from "../../base/index.ts";
import type { CertificateEnd, Life } from "../probes/index.ts";
import { operatorPages } from "../metrics/index.ts";
import type { Node } from "../node/index.ts";
import { nodeClock } from "../../machine/runtime/index.ts";
import { finalError } from "./final-error.ts";

export class OperatorView {
  readonly pages: ReadonlyMap<string, RequestListener>;
  #life: Life = { kind: "running" };
  #node: Pick<Node, "sight" | "lookOn"> | null = null;

  /**
   * @param secret the secret that clients prove to know
   * @param certificates when those in use end
   * @param ofProcess whether the process is this node's, so that its metrics are too
   */
  constructor(secret: Secrets, certificates: () => readonly CertificateEnd[], ofProcess: boolean) {
    this.pages = operatorPages({
      sight: () => {
        // The pages are made before the node, and are asked when it listens.
        if (this.#node === null) throw new Error("asked before there is a node");
        return this.#node.sight();
      },
      life: () => this.#life,
      certificates,
      lookOn: () => this.#node?.lookOn ?? null,
      secret,
      ofProcess,
      now: () => nodeClock.now(),
    });
  }

  shows(node: Pick<Node, "sight" | "lookOn">): void {
    this.#node = node;
  }

  stops(): void {
    this.#life = { kind: "stopping" };
  }

  failed(error: Error, dataDirectory: string): void {
    this.#life = { kind: "failed", code: finalError(error, true, dataDirectory).code };
  }
}
