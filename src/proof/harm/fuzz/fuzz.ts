/** Sends mutated frames to one server for some time, and watches that it goes on serving. */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { createClient, type KvClient, KvError } from "../../../client/api/index.ts";
import type { ClusterNode } from "../../../server/config/index.ts";
import { openSessionFrame } from "../../../client/core/index.ts";
import { GroupWriter } from "../../../store/index.ts";
import { OmnikvCluster, pause } from "../../../measure/index.ts";
import { processUsage } from "../../../machine/host/index.ts";
import type { Connection } from "../../../machine/ports/index.ts";
import { decodeAnswers } from "../../../protocol/client/index.ts";
import { NO_ANSWERS } from "../attacks/means.ts";
import { rawSocket, shakenHands, upgradeRequest } from "../attacks/raw.ts";
import { adminFrames, clientFrames, handshakeFrames } from "./frames.ts";
import { Dice, mutate } from "./mutate.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly seconds: number;
}

export interface FuzzResult {
  readonly frames: number;
  readonly connections: number;
  /** Requests of an honest client meanwhile. */
  readonly served: number;
  readonly failures: readonly string[];
  readonly slowestMs: number;
  readonly peakBytes: number;
  /** The server has not ended. */
  readonly alive: boolean;
}

const MIB = 1024 * 1024;
export const MEMORY_MAX = 400 * MIB;

const bytes = (text: string): Uint8Array => Buffer.from(text);
const MASK = Buffer.from([0x11, 0x22, 0x33, 0x44]);
const AT_ONCE = 8;
const FRAMES_PER_CONNECTION = 20;
const HONEST = "honest";
const FAILURES_SHOWN = 10;
/** Nodes open so many sessions a second, and refuse the rest. */
const OPEN_MAX_MS = 200;

function webSocketFrame(payload: Uint8Array): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([0x82, 0x80 | payload.length])
      : payload.length < 65_536
        ? Buffer.from([0x82, 0xfe, payload.length >> 8, payload.length & 0xff])
        : Buffer.from([
            0x82,
            0xff,
            0,
            0,
            0,
            0,
            0,
            payload.length >> 16,
            (payload.length >> 8) & 0xff,
            payload.length & 0xff,
          ]);
  const masked = payload.map((byte, i) => byte ^ (MASK[i % 4] ?? 0));
  return Buffer.concat([head, MASK, masked]);
}

/** Against a server of its own. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const cluster = await OmnikvCluster.start({ size: 1 });
  try {
    await cluster.leader();
    const result = await attackWith(cluster, options);
    return { ...result, alive: cluster.server(1).running };
  } finally {
    await cluster.remove();
  }
}

async function attackWith(
  cluster: OmnikvCluster,
  { seed, seconds }: FuzzOptions,
): Promise<Omit<FuzzResult, "alive">> {
  const { clusterId } = cluster;
  const { node } = cluster.server(1);
  const dice = new Dice(seed);
  const endMs = performance.now() + seconds * 1000;
  const count = { frames: 0, connections: 0 };

  const afterHandshake = async (
    channel: "client" | "admin",
    framesOn: (connection: Connection, next: () => Promise<Uint8Array>) => Promise<Uint8Array[]>,
  ): Promise<void> => {
    let told: (frame: Uint8Array) => void = () => {};
    const next = (): Promise<Uint8Array> => new Promise((resolve) => (told = resolve));
    const onFrame = (frame: Uint8Array): void => told(frame);
    const connection: Connection | null = await shakenHands(node, clusterId, channel, onFrame);
    if (connection === null) return;
    const frames = await framesOn(connection, next);
    for (let i = 0; i < FRAMES_PER_CONNECTION; i++) {
      connection.send(mutate(dice.pick(frames), dice));
      count.frames += 1;
    }
    await pause(5);
    connection.destroy();
  };
  /** What a socket is written, and how it goes on once it has been answered. */
  const onSocket = async (
    port: number,
    first: Uint8Array,
    next: readonly Uint8Array[],
  ): Promise<void> => {
    const socket = rawSocket(port);
    socket.once("data", () => {
      for (const frame of next) socket.write(frame);
    });
    socket.write(first);
    count.frames += 1 + next.length;
    await pause(5 + dice.below(20));
    if (dice.below(2) === 0) socket.resetAndDestroy();
    else socket.destroy();
  };
  const handshake = (channel: "client" | "admin" | "peer"): Promise<void> => {
    const frames = handshakeFrames(channel, clusterId).map((frame) => mutate(frame, dice));
    const sent = frames.map((frame) =>
      dice.below(8) === 0 ? mutate(webSocketFrame(frame), dice) : webSocketFrame(frame),
    );
    const port = channel === "peer" ? node.peerPort : node.port;
    return onSocket(port, bytes(upgradeRequest(channel)), sent);
  };
  const http = (): Promise<void> => {
    const text = dice.pick([
      upgradeRequest("client"),
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "POST /cluster.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789",
    ]);
    return onSocket(dice.pick([node.port, node.peerPort]), mutate(bytes(text), dice), []);
  };
  const attacks: readonly (() => Promise<void>)[] = [
    () =>
      afterHandshake("client", async (connection, next) =>
        clientFrames(await sessionOn(connection, next)),
      ),
    () => afterHandshake("admin", async () => adminFrames()),
    () => handshake("client"),
    () => handshake("admin"),
    () => handshake("peer"),
    http,
  ];
  const attack = async (): Promise<void> => {
    while (performance.now() < endMs) {
      count.connections += 1;
      await dice.pick(attacks)();
    }
  };
  const attackAll = Array.from({ length: AT_ONCE }, attack);
  const [seen] = await Promise.all([beHonest(cluster, endMs), ...attackAll]);
  const comesIn = await newcomer(node);
  const failures = comesIn === null ? seen.failures : [...seen.failures, comesIn];
  return { ...count, ...seen, failures: failures.slice(0, FAILURES_SHOWN) };
}

/** A session of its own, or what is sent in it would not be looked at. @returns 1, which is none, when it gets none in time */
async function sessionOn(connection: Connection, next: () => Promise<Uint8Array>): Promise<number> {
  let session = 1;
  const answer = next();
  connection.send(openSessionFrame(new GroupWriter(), randomBytes(16)));
  const frame = await Promise.race([answer, pause(OPEN_MAX_MS)]);
  if (frame === undefined) return session;
  decodeAnswers(frame, { ...NO_ANSWERS, opened: (_sequence, _nonce, id) => (session = id) });
  return session;
}

/** Writes and reads a key until then, and sees how the server does meanwhile. */
async function beHonest(
  cluster: OmnikvCluster,
  endMs: number,
): Promise<Pick<FuzzResult, "served" | "failures" | "slowestMs" | "peakBytes">> {
  const { node, pid } = cluster.server(1);
  const client = createClient({ nodes: [node], clusterId: cluster.clusterId, timeoutMs: 5000 });
  const failures: string[] = [];
  let served = 0;
  let slowestMs = 0;
  let peakBytes = 0;
  for (let i = 0; performance.now() < endMs; i++) {
    const begunMs = performance.now();
    try {
      const value = `${i}`;
      const { revision } = await client.write(HONEST, value);
      const read = await client.read(HONEST);
      const isKept = read.found && read.text() === value;
      if (!isKept && !(await wasChangedBySomebody(client, revision)))
        failures.push(read.found ? "a key has another value" : "a key is gone");
      served += 2;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      failures.push(error.code);
    }
    slowestMs = Math.max(slowestMs, performance.now() - begunMs);
    peakBytes = Math.max(peakBytes, processUsage(pid)?.peakRssBytes ?? 0);
    await pause(5);
  }
  client.close();
  return { served, failures, slowestMs: Math.round(slowestMs), peakBytes };
}

/**
 * The frames are valid until they are mutated, and often afterwards: the bounds of a range that is deleted may come to hold
 * the honest key. Then the key's history says so, or does not reach back to the write any more.
 *
 * @param revision of the honest write
 */
async function wasChangedBySomebody(client: KvClient, revision: number): Promise<boolean> {
  for await (const newest of client.history(HONEST, { limit: 1 }))
    return newest.revision > revision;
  try {
    await client.read(HONEST, { revision });
    return false;
  } catch (error) {
    if (error instanceof KvError && error.code === "COMPACTED") return true;
    throw error;
  }
}

/** A client that comes afterwards gets in. @returns what was in the way; null: nothing */
function newcomer({ host, port }: ClusterNode): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(null);
    });
    socket.on("error", ({ message }) => resolve(message));
  });
}
