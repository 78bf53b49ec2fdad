/** What processes of this machine use while something is measured. */
import { processUsage, resetPeakMemory } from "../../machine/host/index.ts";
import type { Measurement, Usage } from "../reports/measurement.ts";
import type { MeasuredProcess } from "../subjects/cluster.ts";

export class UsageMeter {
  readonly #servers: readonly MeasuredProcess[] | null;
  readonly #clients: readonly MeasuredProcess[];
  readonly #cpuBefore = new Map<number, number>();
  #result: Pick<Measurement, "servers" | "client"> = { servers: null, client: null };

  constructor(servers: readonly MeasuredProcess[] | null, clients: readonly MeasuredProcess[]) {
    this.#servers = servers;
    this.#clients = clients;
  }

  begin(): void {
    for (const { pid } of [...(this.#servers ?? []), ...this.#clients]) {
      resetPeakMemory(pid);
      this.#cpuBefore.set(pid, processUsage(pid)?.cpuSeconds ?? 0);
    }
  }

  end(): void {
    const servers = this.#servers?.map((server) => this.#usage(server)) ?? null;
    const clients = this.#clients.map((client) => this.#usage(client));
    this.#result = {
      servers: servers?.every((usage) => usage !== null) === true ? servers : null,
      client: clients.every((usage) => usage !== null) ? sum("client", clients) : null,
    };
  }

  result(): Pick<Measurement, "servers" | "client"> {
    return this.#result;
  }

  #usage({ name, pid }: MeasuredProcess): Usage | null {
    const usage = processUsage(pid);
    if (usage === null) return null;
    const cpuSeconds = usage.cpuSeconds - (this.#cpuBefore.get(pid) ?? 0);
    return { name, cpuSeconds, peakRssBytes: usage.peakRssBytes };
  }
}

function sum(name: string, usages: readonly Usage[]): Usage {
  return {
    name,
    cpuSeconds: usages.reduce((total, { cpuSeconds }) => total + cpuSeconds, 0),
    peakRssBytes: usages.reduce((total, { peakRssBytes }) => total + peakRssBytes, 0),
  };
}
