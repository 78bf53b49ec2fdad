/** What a node needs of the machine that it runs on. */
import type {
  DiagnosticsChannel,
  Audit,
  Clock,
  Disk,
  Logger,
  Memory,
  Network,
  Passwords,
  Random,
} from "../../machine/ports/index.ts";

/** The machine a node runs on: real in production, simulated in `src/proof/simulator`. */
export interface Machine {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly logger: Logger;
  /** Left out: no user signs in with a password. */
  readonly passwords?: Passwords;
  /** Left out: there is no audit log. */
  readonly audit?: Audit;
  /** Left out: the node does not watch its memory. */
  readonly memory?: Memory;
  /** ENTRY_CHANNEL. Left out: the node does not publish which entries it applies. */
  readonly entries?: DiagnosticsChannel;
}
