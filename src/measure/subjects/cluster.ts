/** The cluster that is measured: servers of any system, which the experiment may load, break and throw away. */
import type { NodeAddress } from "../../client/terms/index.ts";
import type { GeneratorSetup } from "../workloads/generator-protocol.ts";
import type { Target } from "../workloads/target.ts";

export interface MeasuredProcess {
  readonly name: string;
  readonly pid: number;
}

/** A target for load generators. */
export interface Loadable {
  readonly system: string;
  /** The module that makes its load in a process of its own, below dist. */
  readonly generator: string;
  /** Its arguments. Default: none. */
  readonly generatorArguments?: readonly string[];
  readonly nodes: readonly NodeAddress[];
  /** Null: the system knows no such thing. */
  readonly clusterId: string | null;
  /** Null: there is none. */
  readonly secret: string | null;
  /** As createClient takes it, in texts. Default: in plain text. */
  readonly tls?: GeneratorSetup["tls"];
  /** The servers that run now. */
  readonly processes: readonly MeasuredProcess[];
  /** Waits until every server serves and one of them leads. @returns that one */
  leader(): Promise<number>;
  /** Ends the servers and removes what they leave behind. */
  remove(): Promise<void>;
}

export interface Cluster extends Loadable {
  /** A client in this process, that goes on with the other nodes when one is gone. */
  connect(): Target;
  /** kill -9. Resolves when the process has ended. */
  kill(node: number): Promise<void>;
  /** Starts a server on its old data; one that runs is killed first. */
  restart(node: number): Promise<void>;
}
