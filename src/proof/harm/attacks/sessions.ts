/** Attacks on the table of sessions: others' sessions, answers that are kept, sessions without end. */
import { randomBytes } from "node:crypto";
import { GroupWriter, NO_SESSION } from "../../../store/index.ts";
import { takeWritesFrame } from "../../../protocol/client/index.ts";
import { type Attack, client, KIB, openSession, pour, type Sent } from "./means.ts";
import type { AttackPlan } from "./protocol.ts";

/** Session ids are 2^52 and 52 bits that no other client is told. */
const SESSION_BASE = 2 ** 52;
/** Guesses have a frame each: a group is of one session. */
const GUESSED_COMMANDS = 16;
const NONCE_BYTES = 16;

/** Commands that do nothing, under the numbers of a session that some client may have. */
async function forge(plan: AttackPlan, sent: Sent): Promise<void> {
  const writer = new GroupWriter();
  const next = (): Uint8Array => {
    for (let i = 1; i <= GUESSED_COMMANDS; i++) writer.add(i, { kind: "noop" });
    const guess = Number(randomBytes(8).readBigUInt64LE() >> 12n);
    return takeWritesFrame(writer, SESSION_BASE + guess, 0);
  };
  pour(await client(plan, 0, sent), next, 256 * KIB, sent);
}

/** Deletions of a key that is not there, whose answers are never said to have been read. */
async function hoard(plan: AttackPlan, sent: Sent): Promise<void> {
  const key = Buffer.from("attack/absent");
  for (let i = 0; i < 8; i++) {
    const { id, connection, writer } = await openSession(plan, sent, () => {});
    let sequence = 1;
    const next = (): Uint8Array => {
      for (let n = 0; n < 4096; n++) writer.add(1 + (sequence++ % 4096), { kind: "delete", key });
      return takeWritesFrame(writer, id, 0);
    };
    pour(connection, next, 256 * KIB, sent);
  }
}

async function openMany(plan: AttackPlan, sent: Sent): Promise<void> {
  const writer = new GroupWriter();
  const next = (): Uint8Array => {
    for (let i = 0; i < 4; i++) {
      writer.add(i, { kind: "openSession", nonce: randomBytes(NONCE_BYTES) });
    }
    return takeWritesFrame(writer, NO_SESSION, 0);
  };
  for (let i = 0; i < 8; i++) pour(await client(plan, i, sent), next, 16 * KIB, sent);
}

export const SESSIONS: readonly Attack[] = [
  {
    name: "forged-sessions",
    what: "commands under session numbers that are guessed, 256 kB/s, 1 connection",
    run: forge,
  },
  {
    name: "hoarded-answers",
    what: "4,096 deletions a frame of a key that is not there, in 8 sessions that never read an answer, 2 MB/s",
    run: hoard,
  },
  {
    name: "opened-sessions",
    what: "4 sessions a frame, 128 kB/s, 8 connections",
    run: openMany,
  },
];
