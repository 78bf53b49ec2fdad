/** Frames that a server would take, of all that clients, managers, strangers and peers may send. */
import { openSessionFrame } from "../../../client/core/index.ts";
import {
  type ByteString,
  encodeNumbers,
  encodeTxn,
  GroupWriter,
  type Txn,
} from "../../../store/index.ts";
import { type AdminAccessChange, encodeAdminRequest } from "../../../protocol/admin/index.ts";
import {
  encodeSignIn,
  ReadsWriter,
  takeWritesFrame,
  watchesFrame,
} from "../../../protocol/client/index.ts";
import { encodeHandshake, NONCE_BYTES, type PeerHello } from "../../../protocol/handshake/index.ts";
import { encodePeerMessage } from "../../../protocol/peer/index.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
type Command = Parameters<GroupWriter["add"]>[1];

const LEASE = 77;
const USER = "fuzzy";
const PASSWORD = "a password of some length";

/** @param session in which the writes are */
export function clientFrames(session: number): Uint8Array[] {
  const writer = new GroupWriter();
  const frames = [openSessionFrame(writer, new Uint8Array(16).fill(7))];
  for (const count of [1, 5, 300]) {
    for (let i = 1; i <= count; i++)
      writer.add(i, { kind: "write", key: bytes(`fuzz/${i}`), value: bytes("v".repeat(i % 50)) });
    frames.push(takeWritesFrame(writer, session, 0));
    const reads = new ReadsWriter();
    for (let i = 1; i <= count; i++) reads.read(i, bytes(`fuzz/${i}`));
    frames.push(reads.take(count === 5, 0));
  }
  const commands = [...leaseCommands(), ...txnCommands()];
  for (const [i, command] of commands.entries()) {
    writer.add(1000 + i, command);
    frames.push(takeWritesFrame(writer, session, 0));
  }
  for (const [i, command] of commands.entries()) writer.add(2000 + i, command);
  frames.push(takeWritesFrame(writer, session, 0), largeReads(), ...watchFrames());
  frames.push(encodeSignIn({ user: USER, proof: { password: PASSWORD } }));
  frames.push(encodeSignIn({ user: USER, proof: { token: "no token of anybody" } }));
  return frames;
}

function leaseCommands(): Command[] {
  return [
    { kind: "leaseGrant", ttl: 1000, lease: LEASE },
    { kind: "leaseGrant", ttl: 500, lease: 0 },
    { kind: "leaseKeepAlive", numbers: encodeNumbers([1, 2, LEASE]) },
    { kind: "leaseRevoke", lease: LEASE },
  ];
}

function txnCommands(): Command[] {
  const key = "fuzz/txn" as ByteString;
  const range = { start: "fuzz/" as ByteString, end: "fuzz0" as ByteString };
  const get = { op: "get", where: range, limit: 3, keysOnly: true, countOnly: false } as const;
  const txn: Txn = {
    compare: [
      { where: { key }, target: "value", is: "!=", to: "held" as ByteString },
      { where: range, target: "count", is: ">", to: 2 },
    ],
    success: [{ op: "put", key, value: "held" as ByteString, previous: true }, get],
    failure: [{ op: "delete", where: range, previous: true }],
  };
  const nested: Txn = { compare: [], success: [{ op: "txn", txn }, get], failure: [] };
  const leased: Txn = {
    compare: [{ where: { key }, target: "lease", is: "=", to: 0 }],
    success: [{ op: "put", key, value: "bound" as ByteString, previous: false, lease: LEASE }],
    failure: [],
  };
  const wide: Txn = {
    compare: [],
    success: [{ op: "delete", where: { start: key, end: null }, previous: false }],
    failure: [],
  };
  return [
    { kind: "txn", txn: encodeTxn(txn) },
    { kind: "txn", txn: encodeTxn(wide) },
    { kind: "txn", txn: encodeTxn(nested) },
    { kind: "leasedTxn", txn: encodeTxn(leased) },
  ];
}

/** A frame of reads of histories, old revisions, ranges and leases. */
function largeReads(): Uint8Array {
  const reads = new ReadsWriter();
  reads.read(1, bytes("fuzz/1"), 3);
  reads.history(2, bytes("fuzz/1"), 0, 5);
  reads.keys(3, [bytes("fuzz/1"), bytes("fuzz/2")]);
  reads.lease(4, LEASE, bytes("fuzz/"));
  reads.leases(5, 0);
  const range = { start: bytes("fuzz/"), end: null, revision: 0, limit: 10 };
  reads.range(6, { ...range, reverse: true, keysOnly: false, countOnly: false });
  const any = { createMin: 0, createMax: 0, modMin: 1, modMax: 0 };
  const select = { order: "value", ...any } as const;
  reads.range(7, { ...range, reverse: false, keysOnly: true, countOnly: false, select });
  return reads.take(true, 0);
}

function watchFrames(): Uint8Array[] {
  const wish = { puts: true, deletes: true, previous: true, notices: true };
  const all = { ...wish, start: bytes(""), end: null, from: null };
  const past = { ...wish, start: bytes("fuzz/"), end: bytes("fuzz0"), from: 1 };
  return [
    watchesFrame([{ kind: "create", watch: 1, wish: all }]),
    watchesFrame([
      { kind: "create", watch: 2, wish: past },
      { kind: "progress", watch: 2 },
      { kind: "cancel", watch: 1 },
    ]),
  ];
}

/** Nothing of them keeps honest clients out: no frame turns access control on, or breaks a link. */
export function adminFrames(): Uint8Array[] {
  return [
    encodeAdminRequest(1, "status", {}),
    encodeAdminRequest(2, "getLinks", {}),
    encodeAdminRequest(3, "listKeys", { prefix: bytes("fuzz"), after: bytes("a"), limit: 10 }),
    encodeAdminRequest(4, "setFault", { peer: 2, direction: "in", dropPermille: 1, delayMs: 5 }),
    encodeAdminRequest(5, "setFaults", { faults: [] }),
    ...accessChanges().map((change, i) => encodeAdminRequest(10 + i, "changeAccess", { change })),
    encodeAdminRequest(20, "signIn", { user: USER, password: PASSWORD, token: null }),
    encodeAdminRequest(21, "getSettings", {}),
    encodeAdminRequest(22, "beginBackup", {}),
    encodeAdminRequest(23, "readBackup", { backup: 1, piece: 0 }),
  ];
}

function accessChanges(): AdminAccessChange[] {
  const [user, role, password] = [USER, "fuzzers", PASSWORD];
  return [
    { kind: "addUser", user, password },
    { kind: "addRole", role },
    { kind: "grantRole", user, role },
    { kind: "permit", role, may: "read", start: bytes("fuzz/"), end: bytes("fuzz0") },
    { kind: "forbid", role, start: bytes("fuzz/"), end: null },
    { kind: "revokeRole", user, role },
    { kind: "deleteRole", role },
    { kind: "setPassword", user, password },
    { kind: "deleteUser", user },
  ];
}

const ballot = { configId: 1, n: 1, priority: 0, pid: 2 };

const peerHello: PeerHello = {
  members: [1, 2, 3],
  joined: true,
  generation: 0,
  marks: [{ boot: 7, from: 1, to: 3 }],
  durable: { promise: ballot, acceptedRound: ballot, acceptedIdx: 1, decidedIdx: 1 },
  origin: 5,
};

export function handshakeFrames(
  channel: "client" | "admin" | "peer",
  clusterId: string,
): Uint8Array[] {
  const hello = {
    channel,
    clusterId,
    nodeId: 2,
    targetId: 1,
    incarnation: "0123456789abcdef",
    configurationId: 1,
    authenticates: false,
    bound: false,
    origin: 5,
    nonce: new Uint8Array(NONCE_BYTES).fill(3),
    peer: channel === "peer" ? peerHello : null,
  };
  return [
    encodeHandshake({ kind: "hello", hello }, channel),
    encodeHandshake({ kind: "proof", proof: null }, channel),
    encodeHandshake({ kind: "ready" }, channel),
    encodeHandshake({ kind: "refusal", code: "UNAUTHORIZED", text: "no", proof: null }, channel),
    encodePeerMessage({ type: "readRequest", boot: 7, id: 1, n: ballot }),
  ];
}
