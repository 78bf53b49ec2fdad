/** Where the nodes of a row listen, and copies of their directories. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";
import type { Host } from "../torture/hosts.ts";

/** Enough for the largest cluster of a row, two nodes that are none of it, and a second process of a node. */
const PLACES = 9;
const HOST = "127.0.0.1";

/** Below those that the system gives to whoever asks for any: while a node is down, nobody else gets its ports. */
const FIRST_PORT = 20_000;
const PORTS_END = 32_000;
const BLOCK = 2 * PLACES + 1;

export interface Places {
  readonly places: readonly Host[];
  release(): void;
}

/** The first port of a block is listened to until it is released, so that two runs at once have no block in common. */
export async function takePlaces(): Promise<Places> {
  for (let first = FIRST_PORT; first + BLOCK <= PORTS_END; first += BLOCK) {
    const guard = await listen(first);
    if (guard === null) continue;
    const ports = Array.from({ length: BLOCK - 1 }, (_, i) => first + 1 + i);
    const probes = await Promise.all(ports.map(listen));
    await Promise.all(probes.map((probe) => close(probe)));
    if (probes.includes(null)) {
      await close(guard);
      continue;
    }
    const places = Array.from({ length: PLACES }, (_, i) => {
      const port = first + 1 + 2 * i;
      return { id: i + 1, host: HOST, port, peerPort: port + 1 };
    });
    return { places, release: () => void guard.close() };
  }
  throw new Error(`no ${BLOCK} free ports in a row from ${FIRST_PORT} to ${PORTS_END}`);
}

/** @returns null when somebody listens there */
function listen(port: number): Promise<Server | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(null));
    server.listen(port, HOST, () => done(server));
  });
}

async function close(server: Server | null): Promise<void> {
  await new Promise<void>((closed) => {
    if (server === null) closed();
    else server.close(() => closed());
  });
}

/** As --peers takes them, in this order. */
export function peersFlag(places: readonly Host[], ids: readonly number[]): string {
  const listed = ids.map((id) => {
    const place = places[id - 1];
    if (place === undefined) throw new Error(`there is no place for node ${id}`);
    return `${id}=${place.host}:${place.port}:${place.peerPort}`;
  });
  return listed.join(",");
}

/** Everything below it; what was there is removed. Files that are all zeros take no room where the system can do that. */
export function copyDirectory(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  const copied = spawnSync("cp", ["-a", "--sparse=always", from, to]);
  if (copied.status !== 0) cpSync(from, to, { recursive: true });
}
