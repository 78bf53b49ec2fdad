/** The base of clients that ask for one thing after the other, each on a host of its own with the real client core. */
import { ClientCore, type CredentialOptions } from "../../client/core/index.ts";
import type { NodeAddress } from "../../client/terms/index.ts";
import type { Coverage } from "./coverage.ts";
import type { History } from "./history.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";

export interface AskerOptions {
  readonly index: number;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly coverage: Coverage;
  readonly history: History;
  readonly nodes: readonly NodeAddress[];
  readonly timeoutMs: number;
  /** Left out: clients need not sign in. */
  readonly credentials?: CredentialOptions;
}

export abstract class Asker<O extends AskerOptions> {
  protected readonly options: O;
  protected readonly core: ClientCore;
  readonly #pauseMsMax: number;
  #stopped = false;

  /** @param host begins its host's name. @param pauseMsMax between an answer and the next question */
  constructor(
    options: O,
    host: string,
    attemptTimeoutMs: number,
    pauseMsMax: number,
    user: CredentialOptions = options.credentials ?? {},
  ) {
    const { index, clock, network, random, nodes, timeoutMs } = options;
    this.options = options;
    this.#pauseMsMax = pauseMsMax;
    this.core = new ClientCore({
      nodes,
      clock: clock.fork(),
      random: random.fork("core"),
      network: network.host(`${host}${index}`),
      timeoutMs,
      connectTimeoutMs: 200,
      attemptTimeoutMs,
      ...user,
    });
  }

  protected get isStopped(): boolean {
    return this.#stopped;
  }

  /** Asks after a pause, unless it was stopped. */
  start(): void {
    const { clock, random } = this.options;
    clock.after((random.uint32() / 2 ** 32) * this.#pauseMsMax, () => {
      if (!this.#stopped) this.ask();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.core.close();
  }

  /** Something; when it is over, `start` is called again. */
  protected abstract ask(): void;
}
