/** Attacks that ask: a few bytes for which a node has to look at very much, again and again. */
import {
  encodeTxn,
  GroupWriter,
  type ByteString,
  type RangeSelection,
  type Txn,
} from "../../../store/index.ts";
import { pause } from "../../../measure/index.ts";
import {
  type RangeBytes,
  ReadsWriter,
  takeWritesFrame,
  watchesFrame,
  type WatchRequest,
} from "../../../protocol/client/index.ts";
import {
  type Attack,
  client,
  EVERYTHING,
  KIB,
  MIB,
  openSession,
  pour,
  type Sent,
} from "./means.ts";
import type { AttackPlan } from "./protocol.ts";
import { attackersClient } from "./secured.ts";

const HOT = Buffer.from("attack/hot");
const VERSIONS = 9000;
const KEYS = 15_000;
const BATCH = 1000;
/** Reads of one frame; each is answered with a page. */
const PAGES = 1024;
/** As many as one connection may have. */
const WATCHES = 16_384;
const WATCHES_EACH = 4096;

const ALL: RangeBytes = {
  start: Buffer.from("attack/k/"),
  end: Buffer.from("attack/k0"),
  revision: 0,
  reverse: false,
  keysOnly: false,
  countOnly: false,
  limit: 1024,
};
const ANY = { createMin: 0, createMax: 0, modMin: 0, modMax: 0 } as const;

/** One key with very many versions, and very many keys. */
async function fill(plan: AttackPlan): Promise<void> {
  const kv = attackersClient(plan);
  const put = async (count: number, keyOf: (i: number) => string): Promise<void> => {
    for (let from = 0; from < count; from += BATCH) {
      const writes = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => ({
        op: "write" as const,
        key: keyOf(from + i),
        value: `value ${from + i}`,
      }));
      await kv.batch(writes);
    }
  };
  await put(VERSIONS, () => HOT.toString());
  await put(KEYS, (i) => `attack/k/${i}`);
  kv.close();
}

/** One frame for ever, on so many connections. */
async function ask(
  plan: AttackPlan,
  sent: Sent,
  connections: number,
  add: (writer: ReadsWriter, request: number) => void,
): Promise<void> {
  const writer = new ReadsWriter();
  for (let i = 1; i <= PAGES; i++) add(writer, i);
  const frame = writer.take(true, 0);
  for (let i = 0; i < connections; i++) {
    pour(await client(plan, 0, sent), () => frame, MIB, sent);
  }
}

const ordered = (order: RangeSelection["order"]): RangeBytes => ({
  ...ALL,
  select: { order, ...ANY },
});

/** Watches of everything that begin as far back as can be, and again when they were told of a part of it. */
async function watchAgain(plan: AttackPlan, sent: Sent): Promise<void> {
  const connection = await client(plan, 0, sent);
  const wish = { ...EVERYTHING, from: 1, notices: false };
  const send = (requestOf: (watch: number) => WatchRequest<Uint8Array>): void => {
    const frame = watchesFrame(Array.from({ length: 256 }, (_, i) => requestOf(1 + i)));
    connection.send(frame);
    sent.bytes += frame.length;
  };
  const again = (): void => {
    send((watch) => ({ kind: "create", watch, wish }));
    setTimeout(() => {
      send((watch) => ({ kind: "cancel", watch }));
      setTimeout(again, 5);
    }, 30);
  };
  again();
}

async function watchAll(plan: AttackPlan, sent: Sent): Promise<void> {
  const connection = await client(plan, 0, sent);
  for (let from = 1; from <= WATCHES; from += WATCHES_EACH) {
    const frame = watchesFrame(
      Array.from({ length: WATCHES_EACH }, (_, i) => ({
        kind: "create",
        watch: from + i,
        wish: EVERYTHING,
      })),
    );
    connection.send(frame);
    sent.bytes += frame.length;
  }
  await pause(200);
}

/** @param each of so many in a frame, as fast as `rate` bytes a second */
async function transact(
  plan: AttackPlan,
  sent: Sent,
  each: Partial<Txn>,
  count: number,
  rate: number,
): Promise<void> {
  let floor = 1;
  const { id, connection } = await openSession(plan, sent, (answered) => {
    floor = Math.max(floor, answered);
  });
  const txn = encodeTxn({ compare: [], success: [], failure: [], ...each });
  const writer = new GroupWriter();
  let sequence = 1;
  const next = (): Uint8Array => {
    for (let i = 0; i < count; i++) writer.add(sequence++, { kind: "txn", txn });
    return takeWritesFrame(writer, id, floor);
  };
  pour(connection, next, rate, sent);
}

const FIRST_KEYS = { start: "attack/k/" as ByteString, end: "attack/k/2" as ByteString };
/** Transactions that look at thousands of keys, and do nothing. */
const LOOKING: Partial<Txn> = {
  compare: [{ where: FIRST_KEYS, target: "version", is: ">", to: 0 }],
  success: [{ op: "get", where: FIRST_KEYS, limit: 0, keysOnly: false, countOnly: true }],
};
/** Transactions that find a hundred values of 2 kB each. */
const COPYING: Partial<Txn> = {
  success: Array.from({ length: 100 }, (_, i) => ({
    op: "get",
    where: { key: `attack/v/${i}` as ByteString },
    limit: 0,
    keysOnly: false,
    countOnly: false,
  })),
};

async function writeValues(plan: AttackPlan): Promise<void> {
  const kv = attackersClient(plan);
  const value = "v".repeat(2000);
  await Promise.all(Array.from({ length: 100 }, (_, i) => kv.write(`attack/v/${i}`, value)));
  kv.close();
}

export const READERS: readonly Attack[] = [
  {
    name: "history-pages",
    what: "1,024 pages a frame of the history of a key with 9,000 versions, without end, 1 connection",
    prepare: fill,
    run: (plan, sent) =>
      ask(plan, sent, 1, (writer, request) => writer.history(request, HOT, 0, 1024)),
  },
  {
    name: "ordered-ranges",
    what: "1,024 pages a frame of 15,000 keys in order of their values, 1 connection",
    prepare: fill,
    run: (plan, sent) =>
      ask(plan, sent, 1, (writer, request) => writer.range(request, ordered("value"))),
  },
  {
    name: "counted-ranges",
    what: "1,024 times a frame the number of 15,000 keys, 1 connection",
    prepare: fill,
    run: (plan, sent) =>
      ask(plan, sent, 1, (writer, request) =>
        writer.range(request, { ...ALL, countOnly: true, limit: 1e6 }),
      ),
  },
  {
    name: "watches-of-all",
    what: "16,384 watches of everything on 1 connection",
    run: watchAll,
  },
  {
    name: "watches-from-the-past",
    what: "256 watches from the first revision of 24,000, cancelled and begun anew without end, 1 connection",
    prepare: fill,
    run: watchAgain,
  },
  {
    name: "transactions",
    what: "256 transactions a frame that look at 5,500 keys each, without end, 1 connection",
    prepare: fill,
    run: (plan, sent) => transact(plan, sent, LOOKING, 256, 256 * KIB),
  },
  {
    name: "copied-values",
    what: "16 transactions a frame that find 100 values of 2 kB each, 2 MB/s, 1 connection",
    prepare: writeValues,
    run: (plan, sent) => transact(plan, sent, COPYING, 16, 2 * MIB),
  },
];
