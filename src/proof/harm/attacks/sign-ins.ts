/** Attacks on the sign-in: passwords tried as fast as they are answered, tokens that no node has made. */
import { randomBytes } from "node:crypto";
import { type Attack, nodeAt, type Sent } from "./means.ts";
import type { AttackPlan } from "./protocol.ts";
import { rawSocket, shakenHands } from "./raw.ts";

/** Of the network of loopback: from each come so many connections. */
const ADDRESSES = 100;
const EACH = 2;

/** Asks for metrics, again and again, each time with other credentials: they go the way of all sign-ins. */
function ask(plan: AttackPlan, i: number, sent: Sent, credentials: () => string): void {
  const from = `127.0.1.${1 + (i % ADDRESSES)}`;
  const again = (): void => {
    const socket = rawSocket(nodeAt(plan, i).port, plan.secured !== null, from);
    sent.connections += 1;
    const request = (): void => {
      const text = `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${credentials()}\r\n\r\n`;
      socket.write(text);
      sent.bytes += text.length;
    };
    socket.on("data", request);
    socket.once("close", () => setTimeout(again, 20));
    request();
  };
  again();
}

const flood =
  (credentials: (plan: AttackPlan) => string): Attack["run"] =>
  async (plan, sent) => {
    for (let i = 0; i < ADDRESSES * EACH; i++) ask(plan, i, sent, () => credentials(plan));
  };

const basic = (user: string): string =>
  `Basic ${Buffer.from(`${user}:${randomBytes(9).toString("base64")}`).toString("base64")}`;

/** Shakes hands and never says who it is, again and again; the server is to end it. */
function holdPlaces(plan: AttackPlan, sent: Sent): void {
  setInterval(() => {
    for (let i = 0; i < 30; i++) {
      const { clusterId, secured } = plan;
      void shakenHands(nodeAt(plan, i), clusterId, "client", () => {}, secured?.ca ?? null);
      sent.connections += 1;
    }
  }, 20);
}

export const SIGN_INS: readonly Attack[] = [
  {
    name: "guessed-passwords",
    what: "200 connections from 100 addresses try passwords of the honest user, as fast as they are answered",
    needsUsers: true,
    run: flood(({ secured }) => basic(secured?.honest.user ?? "")),
  },
  {
    name: "guessed-names",
    what: "200 connections from 100 addresses try passwords of users that they make up",
    needsUsers: true,
    run: flood(() => basic(randomBytes(12).toString("hex"))),
  },
  {
    name: "forged-tokens",
    what: "200 connections from 100 addresses try tokens that nobody has made",
    needsUsers: true,
    run: flood(
      () =>
        `Bearer ${randomBytes(40).toString("base64url")}.${randomBytes(32).toString("base64url")}`,
    ),
  },
  {
    name: "held-places",
    what: "1,500 connections a second that shake hands and never sign in",
    needsUsers: true,
    run: async (plan, sent) => holdPlaces(plan, sent),
  },
];
