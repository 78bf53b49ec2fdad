/**
 * The disks of a cluster at a moment when damage matters, made once by real servers and copied for each row: half of the
 * nodes without node 1 are behind, and node 1 and the others alone know the last acknowledged writes.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createAdminClient, createClient } from "../../../client/api/index.ts";
import type { KvClient } from "../../../client/index.ts";
import type { ClusterNode } from "../../../server/config/index.ts";
import { copyDirectory, placeOf } from "./places.ts";
import { pause } from "../../../measure/index.ts";
import { Server } from "./server.ts";
import { Acknowledged } from "./writes.ts";

/** How the servers were ended, and what their disks hold besides. "atOnce": killed as soon as the last write was known to all that ran. */
export type ImageName = "killed" | "atOnce" | "stopped" | "snapshots" | "segments" | "single";
/** When the disks were copied. */
export type Stage =
  /** All were stopped, and started again later. */
  | "cold"
  /** While all ran; none was started again before the end. */
  | "hot"
  /** While node 1 and those ran that are not behind, before the last write. */
  | "oneWriteLess"
  /** All ended: where a row begins. */
  | "end";

export interface Image {
  readonly directory: string;
  readonly flags: readonly string[];
  readonly acknowledged: Acknowledged;
  of(stage: Stage, node: number): string;
}

/** A write that no message waits for, as of the decided index on followers' disks, takes two ticks; reports 100 ms. */
const QUIET_MS = 300;
const LEVEL_TIMEOUT_MS = 20_000;
const FILLER_BYTES = 1_000_000;

export interface Roles {
  readonly hurt: number;
  readonly behind: readonly number[];
  readonly knowing: readonly number[];
}

/** Node 1 is the one to be damaged; with the nodes behind it is a majority without those that know the last writes. */
export function rolesOf(size: number): Roles {
  const half = (size - 1) / 2;
  const ids = Array.from({ length: size - 1 }, (_, i) => i + 2);
  return { hurt: 1, behind: ids.slice(0, half), knowing: ids.slice(half) };
}

const FLAGS: Readonly<Record<ImageName, readonly string[]>> = {
  killed: [],
  atOnce: [],
  stopped: [],
  snapshots: ["--snapshot-entries", "12"],
  segments: ["--snapshot-mb", "4096"],
  single: [],
};

class Builder {
  readonly #places: readonly ClusterNode[];
  readonly #directory: string;
  readonly #ids: readonly number[];
  readonly #name: ImageName;
  readonly #servers = new Map<number, Server>();
  readonly #client: KvClient;
  readonly acknowledged = new Acknowledged();
  #written = 0;

  constructor(places: readonly ClusterNode[], directory: string, name: ImageName, size: number) {
    this.#places = places;
    this.#directory = directory;
    this.#name = name;
    this.#ids = Array.from({ length: size }, (_, i) => i + 1);
    const nodes = places.slice(0, size);
    this.#client = createClient({ nodes, timeoutMs: LEVEL_TIMEOUT_MS });
  }

  async build(): Promise<void> {
    const { hurt, behind, knowing } = rolesOf(this.#ids.length);
    const signal = this.#name === "stopped" ? "SIGTERM" : "SIGKILL";
    try {
      await this.#start();
      await this.#write(10);
      await this.#level(this.#ids);
      await this.#end(this.#ids, "SIGTERM");
      this.#keep("cold", this.#ids);
      await this.#start();
      await this.#write(10);
      await this.#level(this.#ids);
      this.#keep("hot", this.#ids);
      await this.#end(behind, signal);
      await this.#write(29);
      await this.#level([hurt, ...knowing]);
      this.#keep("oneWriteLess", [hurt, ...knowing]);
      await this.#write(1);
      await this.#level([hurt, ...knowing]);
      if (this.#name !== "atOnce") await pause(QUIET_MS);
      await this.#end([hurt, ...knowing], signal);
      this.#keep("end", this.#ids);
    } finally {
      this.#client.close();
      await this.#end(this.#ids, "SIGKILL");
    }
  }

  async #start(): Promise<void> {
    const nodes = this.#ids.map((id) => placeOf(this.#places, id));
    for (const node of nodes) {
      const server = new Server({
        node,
        nodes,
        flags: FLAGS[this.#name],
        wrap: [],
        dataDirectory: this.#data(node.id),
        logDirectory: join(this.#directory, "said"),
      });
      this.#servers.set(node.id, server);
    }
    await Promise.all([...this.#servers.values()].map((server) => server.ready()));
  }

  /** New keys, and now and then an old one again. */
  async #write(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#written += 1;
      const number = this.#written;
      const key = `key-${number % 5 === 0 ? number / 5 : number}`;
      const value = `value-${number}`;
      if (this.#name === "segments") await this.#client.write("filler", Buffer.alloc(FILLER_BYTES));
      await this.#client.write(key, value);
      this.acknowledged.add(key, value);
    }
  }

  async #level(ids: readonly number[]): Promise<void> {
    const admin = createAdminClient({ nodes: this.#places });
    const deadline = performance.now() + LEVEL_TIMEOUT_MS;
    try {
      for (;;) {
        const answers = await Promise.allSettled(
          ids.map((id) => admin.call(id, "status", {}, { timeoutMs: 2000 })),
        );
        const indexes = answers.map((answer) =>
          answer.status === "fulfilled" ? answer.value.appliedIdx : -1,
        );
        if (new Set(indexes).size === 1 && indexes[0] !== -1) return;
        if (performance.now() > deadline) throw new Error(`not level: ${indexes.join(" ")}`);
        await pause(20);
      }
    } finally {
      admin.close();
    }
  }

  async #end(ids: readonly number[], signal: NodeJS.Signals): Promise<void> {
    await Promise.all(ids.map(async (id) => this.#servers.get(id)?.end(signal)));
  }

  #keep(stage: Stage, ids: readonly number[]): void {
    for (const id of ids) copyDirectory(this.#data(id), join(this.#directory, stage, `node${id}`));
  }

  #data(node: number): string {
    return join(this.#directory, "live", `node${node}`);
  }
}

/** Images are made when a row needs one first. */
export class Images {
  readonly #places: readonly ClusterNode[];
  readonly #root: string;
  readonly #images = new Map<string, Image>();

  constructor(places: readonly ClusterNode[], root: string) {
    this.#places = places;
    this.#root = root;
  }

  async get(name: ImageName, size: number): Promise<Image> {
    const of = name === "single" ? 1 : size;
    const id = `${name}-${of}`;
    const known = this.#images.get(id);
    if (known !== undefined) return known;
    const directory = join(this.#root, "images", id);
    const builder = new Builder(this.#places, directory, name, of);
    await builder.build();
    const image: Image = {
      directory,
      flags: FLAGS[name],
      acknowledged: builder.acknowledged,
      of: (stage, node) => {
        const path = join(directory, stage, `node${node}`);
        if (!existsSync(path)) throw new Error(`image ${id} has no ${stage} of node ${node}`);
        return path;
      },
    };
    this.#images.set(id, image);
    return image;
  }
}
