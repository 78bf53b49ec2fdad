/** The attacks. Each runs in a process of its own until it is ended, and counts what it sends. */
import { pause } from "../../../measure/index.ts";
import { encodeAdminRequest } from "../../../protocol/admin/index.ts";
import { takeWritesFrame } from "../../../protocol/client/index.ts";
import {
  type Attack,
  client,
  KIB,
  MIB,
  nodeAt,
  openSession,
  pour,
  pourWrites,
  readsFrame,
  type Sent,
} from "./means.ts";
import type { AttackPlan } from "./protocol.ts";
import { frameHead, rawSocket, upgradeRequest } from "./raw.ts";
import { FLOODS } from "./floods.ts";
import { LEASES } from "./leases.ts";
import { READERS } from "./readers.ts";
import { attackersClient } from "./secured.ts";
import { SIGN_INS } from "./sign-ins.ts";
import { SESSIONS } from "./sessions.ts";
import { WAITERS } from "./waiters.ts";

const KEY = Buffer.from("attack/key");
const BIG = "attack/big";

/** A cas that fails, and then, in frames of 256, the same again and again: each is answered with what the key holds. */
async function repeatCas(plan: AttackPlan, sent: Sent): Promise<void> {
  let answered: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const { id, connection, writer } = await openSession(plan, sent, () => answered());
  const frameOf = (count: number): Uint8Array => {
    for (let i = 0; i < count; i++)
      writer.add(1, { kind: "casAbsent", key: Buffer.from(BIG), value: new Uint8Array(0) });
    return takeWritesFrame(writer, id, 1);
  };
  connection.send(frameOf(1));
  await first;
  pour(connection, () => frameOf(256), 64 * KIB, sent);
}

async function writeBig(plan: AttackPlan): Promise<void> {
  const kv = attackersClient(plan);
  await kv.write(BIG, "b".repeat(MIB - 1));
  await Promise.all(
    Array.from({ length: 250 }, (_, i) => kv.write(`${i}`.padEnd(4 * KIB, "k"), "")),
  );
  kv.close();
}

export const ATTACKS: readonly Attack[] = [
  {
    name: "management-unread",
    what: "128 kB of requests for lists of keys, of which nothing is read",
    prepare: writeBig,
    run: async (plan, sent) => {
      const connection = await client(plan, 0, sent, () => {}, "admin");
      connection.pause();
      const params = { prefix: new Uint8Array(0), after: null, limit: 1000 };
      const request = encodeAdminRequest(1, "listKeys", params);
      for (; sent.bytes < 128 * KIB; sent.bytes += request.length) connection.send(request);
    },
  },
  {
    name: "stranger-frames",
    what: "300 strangers with frames of nearly 4 MiB",
    run: async (plan, sent) => {
      for (let i = 0; i < 300; i++) {
        const socket = rawSocket(nodeAt(plan, i).port, plan.secured !== null);
        sent.connections += 1;
        socket.write(upgradeRequest("client"));
        socket.once("data", () => {
          socket.write(frameHead(4 * MIB));
          socket.write(Buffer.alloc(4 * MIB - 1));
          sent.bytes += 4 * MIB;
        });
      }
      await pause(200);
    },
  },
  {
    name: "refused-frames",
    what: "40 strangers at a time that are refused, and go on with frames of nearly 4 MiB",
    run: async (plan, sent) => {
      const one = (i: number): void => {
        const socket = rawSocket(nodeAt(plan, i).port, plan.secured !== null);
        sent.connections += 1;
        socket.on("close", () => one(i));
        socket.write(upgradeRequest("client"));
        socket.once("data", () => {
          // Three bytes that are no handshake.
          socket.write(Buffer.from([0x82, 0x83, 0, 0, 0, 0, 1, 2, 3]));
          socket.write(frameHead(4 * MIB));
          socket.write(Buffer.alloc(4 * MIB - 1));
          sent.bytes += 4 * MIB;
        });
      };
      for (let i = 0; i < 40; i++) one(i);
      await pause(200);
    },
  },
  {
    name: "repeated-cas",
    what: "256 repetitions of a failed cas in a frame, each answered with a megabyte",
    prepare: writeBig,
    run: repeatCas,
  },
  {
    name: "unread-answers",
    what: "40 connections ask for a megabyte 40 times each and read nothing",
    prepare: writeBig,
    run: async (plan, sent) => {
      for (let i = 0; i < 40; i++) {
        const connection = await client(plan, i, sent);
        connection.pause();
        const frame = readsFrame(20, 0, Buffer.from(BIG));
        for (let j = 0; j < 4; j++) {
          connection.send(frame);
          sent.bytes += frame.length;
        }
      }
    },
  },
  {
    name: "parked-reads",
    what: "local reads of what nobody has applied, 4,096 a frame, 1 MB/s, 3 connections",
    run: async (plan, sent) => {
      for (let i = 0; i < 3; i++) {
        const frame = readsFrame(4096, i === 0 ? Number.MAX_SAFE_INTEGER : 2 ** 31, KEY);
        pour(await client(plan, i, sent), () => frame, MIB / 3, sent);
      }
    },
  },
  {
    name: "status-flood",
    what: "requests for the status, 0.5 MB/s on each node",
    run: async (plan, sent) => {
      const request = encodeAdminRequest(1, "status", {});
      for (let i = 0; i < 3; i++) {
        pour(await client(plan, i, sent, () => {}, "admin"), () => request, MIB / 2, sent);
      }
    },
  },
  {
    name: "write-frames",
    what: "frames of 4,096 writes, 1.9 MB/s, 1 connection",
    run: (plan, sent) => pourWrites(plan, sent, { count: 4096, valueBytes: 8, rate: 1.9 * MIB }),
  },
  {
    name: "large-frames",
    what: "frames of 3 MB, as fast as they are taken, 1 connection",
    run: (plan, sent) => pourWrites(plan, sent, { count: 3, valueBytes: MIB - 1, rate: 100 * MIB }),
  },
  {
    name: "silent-strangers",
    what: "1,000 sockets that say nothing on each client port, 200 half-made ones on each peer port and management",
    run: async (plan, sent) => {
      const keep = (): void => {
        for (const node of plan.nodes) {
          for (let i = 0; i < 1000; i++) rawSocket(node.port, plan.secured !== null);
          for (let i = 0; i < 200; i++) {
            rawSocket(node.peerPort, plan.secured !== null).write(upgradeRequest("peer"));
            rawSocket(node.port, plan.secured !== null).write(upgradeRequest("admin"));
          }
          sent.connections += 1400;
        }
      };
      keep();
      // They are sent away, and come again.
      setInterval(keep, 5000);
      await pause(500);
    },
  },
  {
    name: "log-flood",
    what: "strangers whose first frame is 6 kB of nonsense, as fast as they get in",
    run: async (plan, sent) => {
      const text = Buffer.from("\u001b[2J".repeat(1500));
      const again = (i: number): void => {
        const socket = rawSocket(nodeAt(plan, i).port, plan.secured !== null);
        sent.connections += 1;
        socket.write(upgradeRequest(i % 2 === 0 ? "client" : "admin"));
        socket.once("data", () => {
          const head = Buffer.from([0x82, 0xfe, text.length >> 8, text.length & 0xff, 0, 0, 0, 0]);
          socket.write(Buffer.concat([head, text]));
          sent.bytes += text.length;
          setTimeout(() => socket.destroy(), 50);
        });
        socket.once("close", () => setTimeout(() => again(i), 1));
      };
      for (let i = 0; i < 30; i++) again(i);
      await pause(200);
    },
  },
  ...FLOODS,
  ...READERS,
  ...SESSIONS,
  ...LEASES,
  ...SIGN_INS,
  ...WAITERS,
];
