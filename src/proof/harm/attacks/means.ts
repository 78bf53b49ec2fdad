/** The parts of attacks: connections that keep no rules, sessions, frames without end. */
import { openSessionFrame } from "../../../client/core/index.ts";
import { GroupWriter } from "../../../store/index.ts";
import { startOpenLoop } from "../../../measure/index.ts";
import { createNodeRandom, nodeClock } from "../../../machine/runtime/index.ts";
import type { Connection } from "../../../machine/ports/index.ts";
import {
  type AnswerHandler,
  decodeAnswers,
  decodeSignedIn,
  encodeSignIn,
  ReadsWriter,
  takeWritesFrame,
} from "../../../protocol/client/index.ts";
import type { ClusterNode } from "../../../server/config/index.ts";
import { KvError } from "../../../base/index.ts";
import {
  decodeAdminAnswer,
  encodeAdminRequest,
  parseAdminResult,
} from "../../../protocol/admin/index.ts";
import type { AttackPlan } from "./protocol.ts";
import { shakenHands } from "./raw.ts";

export const KIB = 1024;
export const MIB = 1024 * KIB;

export interface Sent {
  bytes: number;
  connections: number;
}

export interface Attack {
  readonly name: string;
  readonly what: string;
  /** What has to be there before. */
  readonly prepare?: (plan: AttackPlan) => Promise<void>;
  /** It means something only where there are users. Default: false. */
  readonly needsUsers?: boolean;
  /** Resolves when it is under way. */
  readonly run: (plan: AttackPlan, sent: Sent) => Promise<void>;
}

const random = createNodeRandom();
export const nodeAt = ({ nodes }: AttackPlan, i: number): ClusterNode => {
  const node = nodes[i % nodes.length];
  if (node === undefined) throw new Error("there is no node to attack");
  return node;
};

export function readsFrame(
  count: number,
  minIdx: number,
  key: Uint8Array,
  local = true,
): Uint8Array {
  const writer = new ReadsWriter();
  for (let i = 1; i <= count; i++) writer.read(i, key);
  return writer.take(local, minIdx);
}

export const NO_ANSWERS: AnswerHandler = {
  appliedIdx: () => {},
  value: () => {},
  missing: () => {},
  unread: () => {},
  opened: () => {},
  write: () => {},
  refused: () => {},
};

/** A watch of all keys from now on, told as much as can be. */
export const EVERYTHING = {
  start: new Uint8Array(0),
  end: null,
  from: null,
  previous: true,
  puts: true,
  deletes: true,
  notices: true,
};

/** Sends at so many bytes a second for ever, as far as the socket takes it. */
export function pour(
  connection: Connection,
  next: () => Uint8Array,
  rate: number,
  sent: Sent,
): void {
  startOpenLoop({
    clock: nodeClock,
    perSecond: rate,
    owedMax: Math.max(rate / 5, 4 * MIB),
    send: () => {
      if (connection.bufferedBytes() >= 8 * MIB) return 0;
      const frame = next();
      connection.send(frame);
      sent.bytes += frame.length;
      return frame.length;
    },
  });
}

export async function client(
  plan: AttackPlan,
  i: number,
  sent: Sent,
  onFrame: (frame: Uint8Array) => void = () => {},
  channel: "client" | "admin" = "client",
): Promise<Connection> {
  let onFirst: ((frame: Uint8Array) => void) | null = null;
  const connection = await shakenHands(
    nodeAt(plan, i),
    plan.clusterId,
    channel,
    (frame) => (onFirst ?? onFrame)(frame),
    plan.secured?.ca ?? null,
  );
  if (connection === null) throw new Error("the server does not want this connection");
  sent.connections += 1;
  if (plan.secured === null) return connection;
  const { user, password } = plan.secured.attacker;
  const answer = new Promise<Uint8Array>((resolve) => {
    onFirst = resolve;
  });
  connection.send(
    channel === "client"
      ? encodeSignIn({ user, proof: token === null ? { password } : { token } })
      : encodeAdminRequest(1, "signIn", { user, ...signInOf(password) }),
  );
  token = tokenIn(await answer, channel) ?? token;
  onFirst = null;
  return connection;
}

/** Of the first sign-in: passwords take 50 ms each, one after the other, and eight of one address wait at most. */
let token: string | null = null;

const signInOf = (password: string): { password: string | null; token: string | null } =>
  token === null ? { password, token } : { password: null, token };

/** @returns null: it tells none */
function tokenIn(frame: Uint8Array, channel: "client" | "admin"): string | null {
  if (channel === "client") {
    const signedIn = decodeSignedIn(frame);
    if (signedIn instanceof KvError) throw signedIn;
    return signedIn.token;
  }
  const answer = decodeAdminAnswer(frame);
  if (!answer.ok) throw answer.error;
  return parseAdminResult("signIn", answer.result).token;
}

export interface Session {
  readonly id: number;
  readonly connection: Connection;
  readonly writer: GroupWriter;
}

/** @param onWrite called with the sequence number of each write that is answered */
export async function openSession(
  plan: AttackPlan,
  sent: Sent,
  onWrite: (sequence: number) => void,
): Promise<Session> {
  let opened: (id: number) => void = () => {};
  const id = new Promise<number>((resolve) => {
    opened = resolve;
  });
  const handler: AnswerHandler = {
    ...NO_ANSWERS,
    opened: (_sequence, _nonce, session) => opened(session),
    write: (_session, sequence) => onWrite(sequence),
  };
  const connection = await client(plan, 0, sent, (frame) => decodeAnswers(frame, handler));
  const writer = new GroupWriter();
  connection.send(openSessionFrame(writer, random.bytes(16)));
  return { id: await id, connection, writer };
}

/** A session of its own, and frames of writes in it, without end. */
export async function pourWrites(
  plan: AttackPlan,
  sent: Sent,
  shape: { readonly count: number; readonly valueBytes: number; readonly rate: number },
): Promise<void> {
  let floor = 1;
  const { id, connection, writer } = await openSession(plan, sent, (answered) => {
    floor = Math.max(floor, answered);
  });
  const value = new Uint8Array(shape.valueBytes);
  let sequence = 1;
  const next = (): Uint8Array => {
    for (let i = 0; i < shape.count; i++) {
      writer.add(sequence++, { kind: "write", key: Buffer.from(`a${i}`), value });
    }
    return takeWritesFrame(writer, id, floor);
  };
  pour(connection, next, shape.rate, sent);
}
