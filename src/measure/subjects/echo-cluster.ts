/** As many bare echo servers as others have nodes: the limit of what web sockets give on this machine. */
import type { ChildProcess } from "node:child_process";
import { forkBuilt } from "../../server/launch/index.ts";
import type { NodeAddress } from "../../client/terms/index.ts";
import type { Loadable, MeasuredProcess } from "./cluster.ts";

export class EchoCluster implements Loadable {
  readonly system = "echo";
  readonly generator = "measure/subjects/echo-generator.js";
  readonly clusterId = null;
  readonly secret = null;
  readonly nodes: readonly NodeAddress[];
  readonly #children: readonly ChildProcess[];

  private constructor(nodes: readonly NodeAddress[], children: readonly ChildProcess[]) {
    this.nodes = nodes;
    this.#children = children;
  }

  static async start(size: number): Promise<EchoCluster> {
    const children = Array.from({ length: size }, () =>
      forkBuilt("measure/subjects/echo-server.js"),
    );
    const ports = await Promise.all(
      children.map((child) => new Promise<number>((ready) => child.once("message", ready))),
    );
    const nodes = ports.map((port, i) => ({ id: i + 1, host: "127.0.0.1", port }));
    return new EchoCluster(nodes, children);
  }

  get processes(): readonly MeasuredProcess[] {
    return this.#children.map(({ pid = 0 }, i) => ({ name: `echo ${i + 1}`, pid }));
  }

  /** They are all alike. */
  leader(): Promise<number> {
    return Promise.resolve(1);
  }

  remove(): Promise<void> {
    for (const child of this.#children) child.disconnect();
    return Promise.resolve();
  }
}
