/** Several secrets at a time, and proofs that are good for one connection only. No sockets: frames are handed over by hand. */
import { describe, expect, test } from "vitest";
import type { Secrets } from "../../src/base/secrets.ts";
import {
  Handshake,
  type HandshakeOptions,
  type HandshakeOutcome,
} from "../../src/links/handshake/handshake.ts";
import {
  decodeHandshake,
  encodeHandshake,
  NONCE_BYTES,
} from "../../src/protocol/handshake/handshake.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import { aPeerHello } from "./harness.ts";

const random = seededRandom(9);
type Channel = "peer" | "client" | "admin";
type Side = Partial<HandshakeOptions>;

function self(channel: Channel, nodeId: number | null): HandshakeOptions["self"] {
  return {
    ...{ channel, clusterId: "c", nodeId, targetId: null, origin: null },
    incarnation: channel === "peer" ? `i${nodeId ?? 0}` : null,
    configurationId: 1,
    nonce: random.bytes(NONCE_BYTES),
    peer: channel === "peer" ? aPeerHello([1, 2]) : null,
  };
}

interface Shaken {
  readonly dialer: HandshakeOutcome | null;
  readonly acceptor: HandshakeOutcome | null;
  readonly frames: readonly Uint8Array[];
}

function shake(
  channel: Channel,
  dialerSide: Side,
  acceptorSide: Side,
  tamper: (frame: Uint8Array) => Uint8Array = (frame) => frame,
): Shaken {
  const dialerSelf = self(channel, channel === "peer" ? 2 : null);
  const sides = {
    dialer: new Handshake({ secret: null, ...dialerSide, role: "dialer", self: dialerSelf }),
    acceptor: new Handshake({
      ...{ secret: null, session: 7, ...acceptorSide },
      ...{ role: "acceptor", self: self(channel, 1) },
    }),
  };
  const outcomes: { dialer: HandshakeOutcome | null; acceptor: HandshakeOutcome | null } = {
    dialer: null,
    acceptor: null,
  };
  const frames: Uint8Array[] = [];
  let wire = sides.dialer
    .start()
    .map((frame) => ({ to: "acceptor" as "acceptor" | "dialer", frame }));
  for (let next = wire.shift(); next !== undefined; next = wire.shift()) {
    const { to, frame } = next;
    frames.push(frame);
    if (outcomes[to] !== null) continue;
    const step = sides[to].receive(tamper(frame));
    outcomes[to] = step.outcome;
    const from: "acceptor" | "dialer" = to === "dialer" ? "acceptor" : "dialer";
    wire = [...wire, ...step.send.map((each) => ({ to: from, frame: each }))];
  }
  return { ...outcomes, frames };
}

const kinds = ({ dialer, acceptor }: Shaken): unknown => [dialer?.kind, acceptor?.kind];
const TOGETHER = ["established", "established"];
const several =
  (...secrets: string[]): Secrets =>
  () =>
    secrets;

describe("several secrets", () => {
  test("a change goes by steps, and at each of them all get together, whichever step they are at", () => {
    const steps = [["old"], ["old", "new"], ["new", "old"], ["new"]] as const;
    for (const [i, at] of steps.entries()) {
      for (const near of [steps[i - 1], at, steps[i + 1]]) {
        if (near === undefined) continue;
        expect(
          kinds(shake("peer", { secret: several(...near) }, { secret: several(...at) })),
        ).toEqual(TOGETHER);
      }
    }
  });

  test("a dialer takes nobody who knows only what it does not prove any more", () => {
    const shaken = shake("client", { secret: several("new", "old") }, { secret: several("old") });
    expect(shaken.acceptor).toMatchObject({ kind: "refusedByUs", code: "UNAUTHORIZED" });
    expect(shaken.dialer).toMatchObject({ kind: "refusedByThem", proved: false });
  });

  test("a node that knows one of the secrets only cannot pass for one that knows the other", () => {
    // The dialer proves "a"; who answers with a proof over "b" is no acceptor, although the dialer knows "b" too.
    const dialer = new Handshake({
      ...{ secret: several("a", "b"), role: "dialer", self: self("peer", 2) },
    });
    const liar = new Handshake({
      ...{ secret: several("b"), role: "acceptor", session: 1, self: self("peer", 1) },
    });
    const [hello] = dialer.start();
    const [answer] = liar.receive(hello!).send;
    dialer.receive(answer!);
    const proofOfB = new Handshake({
      ...{ secret: several("b"), role: "dialer", self: self("peer", 2) },
    });
    proofOfB.start();
    const [proof] = proofOfB.receive(answer!).send;
    const { proof: bytes } = decodeHandshake(proof!, "peer") as { proof: Uint8Array };
    const welcome = encodeHandshake({ kind: "welcome", proof: bytes, session: 1 }, "peer");
    expect(dialer.receive(welcome).outcome).toMatchObject({ code: "UNAUTHORIZED" });
  });

  test("a refusal by who knows any of them is believed", () => {
    const checkRemote = () => ({ code: "UNKNOWN_NODE", text: "no" }) as const;
    for (const [refuser, other] of [
      [["old", "new"], ["new"]],
      [["new"], ["new", "old"]],
    ] as const) {
      const byAcceptor = shake(
        "peer",
        { secret: several(...other) },
        { secret: several(...refuser), checkRemote },
      );
      expect(byAcceptor.dialer).toMatchObject({ kind: "refusedByThem", proved: true });
      const byDialer = shake(
        "peer",
        { secret: several("new"), checkRemote },
        { secret: several(...refuser) },
      );
      expect(byDialer.acceptor).toMatchObject({ kind: "refusedByThem", proved: true });
    }
  });
});

const SECRET = { secret: "s" };
const wire = (n: number): Side => ({ ...SECRET, binding: () => new Uint8Array(32).fill(n) });

describe("proofs over an encrypted connection", () => {
  test("the two ends of one connection get together", () => {
    for (const channel of ["peer", "client", "admin"] as const) {
      expect(kinds(shake(channel, wire(1), wire(1)))).toEqual(TOGETHER);
    }
  });

  test("the ends of two connections do not, whatever is carried between them", () => {
    const shaken = shake("client", wire(1), wire(2));
    expect(shaken.acceptor).toMatchObject({
      ...{ kind: "refusedByUs", code: "UNAUTHORIZED" },
      text: "the two sides do not have the same secret, or something between them opens the TLS connection",
    });
    expect(shaken.dialer).toMatchObject({ kind: "refusedByThem", proved: false });
  });

  test("who says so is not taken without, who dials over TLS takes nobody without, and nodes accept nobody without", () => {
    const opened = /speaks TLS on this connection and .* does not: something between them opens it/;
    expect(shake("client", wire(1), SECRET).acceptor).toMatchObject({
      ...{ kind: "refusedByUs", text: expect.stringMatching(opened) },
    });
    expect(shake("peer", SECRET, wire(1)).acceptor).toMatchObject({
      ...{ kind: "refusedByUs", text: expect.stringMatching(opened) },
    });
    // A browser is told no binding: its page proves without one, over a connection that the browser has checked.
    expect(kinds(shake("client", SECRET, wire(1)))).toEqual(TOGETHER);
  });

  test("nobody on the way can say that a side proves without", () => {
    for (const channel of ["peer", "client"] as const) {
      const shaken = shake(channel, wire(1), wire(2), (frame) => {
        const decoded = decodeHandshake(frame, channel);
        if (decoded.kind !== "hello") return frame;
        const hello = { ...decoded.hello, bound: false };
        return encodeHandshake({ kind: "hello", hello }, channel);
      });
      expect(kinds(shaken)).not.toContain("established");
    }
  });

  test("without a secret there is nothing to bind, and TLS may end where it likes", () => {
    const none = { ...wire(1), secret: null };
    expect(kinds(shake("client", none, { secret: null }))).toEqual(TOGETHER);
    expect(kinds(shake("peer", none, { ...wire(2), secret: null }))).toEqual(TOGETHER);
  });

  test("in plain text the frames are those of version 0.1, to the byte", () => {
    const [hello] = shake("client", SECRET, SECRET).frames;
    // An array of eight: none of the two fields that came later.
    expect(hello?.[7]).toBe(0x98);
    const [bound] = shake("client", wire(1), wire(1)).frames;
    expect(bound?.[7]).toBe(0x9a);
  });
});
