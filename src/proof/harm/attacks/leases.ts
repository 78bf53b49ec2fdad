/** Attacks with leases: as many as there may be, renewed without end, and read with all their keys. */
import { encodeNumbers, encodeTxn, GroupWriter, type ByteString } from "../../../store/index.ts";
import { pause } from "../../../measure/index.ts";
import { ReadsWriter, takeWritesFrame } from "../../../protocol/client/index.ts";
import {
  type Attack,
  client,
  KIB,
  MIB,
  openSession,
  pour,
  type Sent,
  type Session,
} from "./means.ts";
import type { AttackPlan } from "./protocol.ts";
import { attackersClient } from "./secured.ts";

const TTL_MS = 30_000;
/** Ids that no other client chooses. */
const FIRST_ID = 1_000_000;
/** So many leases are renewed by one command. */
const RENEWED = 1024;
const KEYS = 4096;
const KEY_BYTES = 4000;
const PUTS = 32;
const PAGES = 256;

const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => FIRST_ID + i);

async function grantAll({ id, connection }: Session, sent: Sent, count: number): Promise<void> {
  const writer = new GroupWriter();
  for (let from = 0; from < count; from += 250) {
    for (let i = from; i < from + 250; i++) {
      writer.add(1 + i, { kind: "leaseGrant", ttl: TTL_MS, lease: FIRST_ID + i });
    }
    const frame = takeWritesFrame(writer, id, 1 + from);
    connection.send(frame);
    sent.bytes += frame.length;
    await pause(20);
  }
}

/** More than there may be, and then their renewal, 1,024 in each of 64 commands. */
async function renew(plan: AttackPlan, sent: Sent): Promise<void> {
  const session = await openSession(plan, sent, () => {});
  await grantAll(session, sent, 12_000);
  let sequence = 100_000;
  const numbers = encodeNumbers(ids(RENEWED));
  const next = (): Uint8Array => {
    for (let i = 0; i < 64; i++) {
      session.writer.add(sequence++, { kind: "leaseKeepAlive", numbers });
    }
    return takeWritesFrame(session.writer, session.id, sequence - 64);
  };
  pour(session.connection, next, MIB, sent);
}

/** A lease with as many keys as it may have, as alike as they can be. */
async function bindAll(plan: AttackPlan): Promise<void> {
  const sent: Sent = { bytes: 0, connections: 0 };
  const { id, connection, writer } = await openSession(plan, sent, () => {});
  writer.add(1, { kind: "leaseGrant", ttl: 1000 * TTL_MS, lease: FIRST_ID });
  connection.send(takeWritesFrame(writer, id, 1));
  const alike = "k".repeat(KEY_BYTES);
  for (let from = 0; from < KEYS; from += PUTS) {
    const success = Array.from({ length: PUTS }, (_, i) => ({
      op: "put" as const,
      key: `attack/${alike}${from + i}` as ByteString,
      value: "" as ByteString,
      previous: false,
      lease: FIRST_ID,
    }));
    writer.add(2 + from, {
      kind: "leasedTxn",
      txn: encodeTxn({ compare: [], success, failure: [] }),
    });
    connection.send(takeWritesFrame(writer, id, 1 + from));
    await pause(20);
  }
  // What is asked behind it is answered behind it.
  const kv = attackersClient(plan);
  await kv.write("attack/bound", "");
  kv.close();
}

async function readKeys(plan: AttackPlan, sent: Sent): Promise<void> {
  const reads = new ReadsWriter();
  for (let i = 1; i <= PAGES; i++) reads.lease(i, FIRST_ID, Buffer.alloc(0));
  for (let i = 1; i <= PAGES; i++) reads.leases(PAGES + i, 0);
  const frame = reads.take(true, 0);
  pour(await client(plan, 0, sent), () => frame, 256 * KIB, sent);
}

export const LEASES: readonly Attack[] = [
  {
    name: "leases-renewed",
    what: "10,000 leases, and 64 commands a frame that renew 1,024 of them each, without end, 1 connection",
    run: renew,
  },
  {
    name: "lease-pages",
    what: "256 pages a frame of a lease's 4,096 long keys, and as many of all leases, without end, 1 connection",
    prepare: bindAll,
    run: readKeys,
  },
];
