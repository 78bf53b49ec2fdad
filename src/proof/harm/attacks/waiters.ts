/** Attacks that leave something behind at the node: reads that wait, answers much larger than what asked for them, watches that end together, places. */
import { pause } from "../../../measure/index.ts";
import { decodeAnswers, ReadsWriter, watchesFrame } from "../../../protocol/client/index.ts";
import {
  type Attack,
  client,
  EVERYTHING,
  KIB,
  MIB,
  NO_ANSWERS,
  nodeAt,
  pour,
  type Sent,
} from "./means.ts";
import type { AttackPlan } from "./protocol.ts";
import { shakenHands } from "./raw.ts";
import { attackersClient } from "./secured.ts";

const KEY = Buffer.from("attack/key");
const LARGE = 30;
const WATCHES = 4096;
/** More than a node has. */
const PLACES = 3000;
const PLACES_AT_ONCE = 100;

/** The index that a node has applied, by its answer to a read. */
async function appliedAt(plan: AttackPlan, i: number, sent: Sent): Promise<number> {
  let told: (appliedIdx: number) => void = () => {};
  const applied = new Promise<number>((resolve) => {
    told = resolve;
  });
  const handler = { ...NO_ANSWERS, appliedIdx: told };
  const connection = await client(plan, i, sent, (frame) => decodeAnswers(frame, handler));
  const writer = new ReadsWriter();
  writer.read(1, KEY);
  connection.send(writer.take(true, 0));
  return applied;
}

/** Local reads of an index that the node reaches some day, and of a revision, in large frames and in frames of one. */
async function waitSoon(plan: AttackPlan, sent: Sent): Promise<void> {
  const applied = await appliedAt(plan, 0, sent);
  let ahead = 0;
  const frameOf = (count: number, atLeast: boolean): Uint8Array => {
    const writer = new ReadsWriter();
    for (let i = 1; i <= count; i++) writer.read(i, KEY);
    ahead = (ahead + 7919) % 1_000_000;
    return atLeast
      ? writer.take(true, 0, false, 100_000 + ahead)
      : writer.take(true, applied + 100_000 + ahead);
  };
  for (const [count, atLeast] of [
    [1024, false],
    [1024, true],
    [1, false],
    [1, true],
  ] as const) {
    pour(await client(plan, 0, sent), () => frameOf(count, atLeast), MIB / 4, sent);
  }
}

async function writeLarge(plan: AttackPlan): Promise<void> {
  const kv = attackersClient(plan);
  for (let i = 0; i < LARGE; i++) await kv.write(`attack/large/${i}`, "l".repeat(MIB - 1));
  kv.close();
}

/** Each read of a few bytes is answered with nearly as much as a frame holds. */
async function readLarge(plan: AttackPlan, sent: Sent): Promise<void> {
  const writer = new ReadsWriter();
  const keys = Array.from({ length: LARGE }, (_, i) => Buffer.from(`attack/large/${i}`));
  for (let i = 1; i <= 16; i++) writer.keys(i, keys);
  const frame = writer.take(true, 0);
  for (let i = 0; i < 3; i++) {
    pour(await client(plan, 0, sent), () => frame, 64 * KIB, sent);
  }
}

/** All of a connection's watches begin and end together, without end. */
async function endTogether(plan: AttackPlan, sent: Sent): Promise<void> {
  const numbers = Array.from({ length: WATCHES }, (_, i) => 1 + i);
  const create = watchesFrame(
    numbers.map((watch) => ({ kind: "create", watch, wish: EVERYTHING })),
  );
  const cancel = watchesFrame(numbers.map((watch) => ({ kind: "cancel", watch })));
  for (let i = 0; i < 3; i++) {
    let begins = false;
    const next = (): Uint8Array => {
      begins = !begins;
      return begins ? create : cancel;
    };
    pour(await client(plan, 0, sent), next, MIB, sent);
  }
}

/** Connections that have shaken hands and stay, as many as the node takes, from one address. */
async function takePlaces(plan: AttackPlan, sent: Sent): Promise<void> {
  const { clusterId, secured } = plan;
  const one = (): Promise<unknown> => {
    sent.connections += 1;
    return shakenHands(nodeAt(plan, 0), clusterId, "client", () => {}, secured?.ca ?? null);
  };
  for (let taken = 0; taken < PLACES; taken += PLACES_AT_ONCE) {
    await Promise.all(Array.from({ length: PLACES_AT_ONCE }, one));
  }
}

/** Reads of what this user may not read: each is refused, and told to the audit log. */
async function askForbidden(plan: AttackPlan, sent: Sent): Promise<void> {
  const writer = new ReadsWriter();
  for (let i = 1; i <= 1024; i++) writer.read(i, Buffer.from(`honest/${"x".repeat(200)}${i}`));
  const frame = writer.take(true, 0);
  pour(await client(plan, 0, sent), () => frame, 2 * MIB, sent);
  await pause(200);
}

export const WAITERS: readonly Attack[] = [
  {
    name: "reads-of-soon",
    what: "local reads of an index and of a revision that come some day, 1,024 and 1 a frame, 1 MB/s, 4 connections",
    run: waitSoon,
  },
  {
    name: "large-answers",
    what: "16 reads a frame, each of 30 values of a megabyte, without end, 3 connections",
    prepare: writeLarge,
    run: readLarge,
  },
  {
    name: "watches-that-end",
    what: "4,096 watches of everything, begun and cancelled together without end, 3 connections",
    run: endTogether,
  },
  {
    name: "places",
    what: "3,000 connections to one node that have shaken hands and stay",
    run: takePlaces,
  },
  {
    name: "forbidden-reads",
    what: "1,024 reads a frame of keys that the user may not read, 2 MB/s, 1 connection",
    needsUsers: true,
    run: askForbidden,
  },
];
