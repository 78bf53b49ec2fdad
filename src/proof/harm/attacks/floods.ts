/** Attacks of strangers that make a parser work: a few bytes each, many in one piece, without end. */
import { pause } from "../../../measure/index.ts";
import { type Attack, KIB, nodeAt, type Sent } from "./means.ts";
import type { AttackPlan } from "./protocol.ts";
import { rawSocket, upgradeRequest } from "./raw.ts";

const CONNECTIONS = 50;

/** Each says something first, and then the same over and over, as fast as it is taken; those that are ended come again. */
function flood(first: string, waits: boolean, unit: Buffer): Attack["run"] {
  const piece = Buffer.concat(
    Array.from({ length: Math.floor((64 * KIB) / unit.length) }, () => unit),
  );
  const one = (plan: AttackPlan, sent: Sent, i: number): void => {
    const socket = rawSocket(nodeAt(plan, i).port, plan.secured !== null);
    sent.connections += 1;
    const pour = (): void => {
      while (!socket.destroyed && !socket.writableNeedDrain) {
        socket.write(piece);
        sent.bytes += piece.length;
      }
    };
    socket.once("close", () => setTimeout(() => one(plan, sent, i), 20));
    socket.write(first);
    socket.on("drain", pour);
    if (waits) socket.once("data", pour);
    else pour();
  };
  return async (plan, sent) => {
    for (let i = 0; i < CONNECTIONS; i++) one(plan, sent, i);
    await pause(200);
  };
}

/** Each asks for the same page again as soon as it has it. */
function asking(path: string, connections: number): Attack["run"] {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  const one = (plan: AttackPlan, sent: Sent, i: number): void => {
    const socket = rawSocket(nodeAt(plan, i).port, plan.secured !== null);
    sent.connections += 1;
    const ask = (): void => {
      sent.bytes += request.length;
      socket.write(request);
    };
    socket.once("close", () => setTimeout(() => one(plan, sent, i), 20));
    socket.on("data", (piece: Buffer) => {
      if (piece.includes("HTTP/1.1 ")) ask();
    });
    ask();
  };
  return async (plan, sent) => {
    for (let i = 0; i < connections; i++) one(plan, sent, i);
    await pause(200);
  };
}

export const FLOODS: readonly Attack[] = [
  {
    name: "scrapers",
    what: "the metrics, on 300 connections, again and again",
    run: asking("/metrics", 300),
  },
  {
    name: "page-loads",
    what: "the page's program, on 300 connections, again and again",
    run: asking("/page.js", 300),
  },
  {
    name: "request-bodies",
    what: "50 strangers at a time with a request whose body comes in chunks of a byte",
    run: flood(
      "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
      false,
      Buffer.from("1\r\nx\r\n"),
    ),
  },
  {
    name: "pongs",
    what: "50 strangers at a time with answers to pings that nobody sent",
    run: flood(upgradeRequest("client"), true, Buffer.from([0x8a, 0x80, 0, 0, 0, 0])),
  },
];
