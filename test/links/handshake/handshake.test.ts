/** Who gets in, who does not, and what they are told. No sockets: frames are handed over by hand. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Handshake,
  type HandshakeOptions,
  type HandshakeOutcome,
} from "../../../src/links/handshake/handshake.ts";
import {
  decodeHandshake,
  encodeHandshake,
  NONCE_BYTES,
  PROTOCOL_VERSIONS,
} from "../../../src/protocol/handshake/handshake.ts";
import { DecodeError } from "../../../src/protocol/codec/decode-error.ts";
import { aPeerHello } from "../harness.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";

const random = seededRandom(5);

function node(
  id: number,
  overrides: Partial<HandshakeOptions["self"]> = {},
): HandshakeOptions["self"] {
  return {
    channel: "peer",
    clusterId: "c1",
    nodeId: id,
    targetId: null,
    incarnation: `i${id}`,
    origin: null,
    configurationId: 1,
    nonce: random.bytes(NONCE_BYTES),
    peer: aPeerHello([1, 2]),
    ...overrides,
  };
}

const client = (overrides: Partial<HandshakeOptions["self"]> = {}): HandshakeOptions["self"] => ({
  ...node(1),
  channel: "client",
  clusterId: null,
  nodeId: null,
  incarnation: null,
  origin: null,
  configurationId: null,
  peer: null,
  ...overrides,
});

type Tamper = (frame: Uint8Array, fromDialer: boolean, index: number) => Uint8Array | null;

/** Carries frames between the two until both have an outcome or nothing is left to carry. */
function shake(
  dialerOptions: Partial<HandshakeOptions> & Pick<HandshakeOptions, "self">,
  acceptorOptions: Partial<HandshakeOptions> & Pick<HandshakeOptions, "self">,
  tamper: Tamper = (frame) => frame,
) {
  const dialer = new Handshake({ secret: null, ...dialerOptions, role: "dialer" });
  const acceptor = new Handshake({
    secret: null,
    session: 77,
    ...acceptorOptions,
    role: "acceptor",
  });
  const outcomes: { dialer: HandshakeOutcome | null; acceptor: HandshakeOutcome | null } = {
    dialer: null,
    acceptor: null,
  };
  const wire: { frame: Uint8Array; fromDialer: boolean }[] = [];
  for (const frame of dialer.start()) wire.push({ frame, fromDialer: true });
  expect(acceptor.start()).toEqual([]);
  for (let index = 0; wire.length > 0; index++) {
    const { frame, fromDialer } = wire.shift()!;
    const passed = tamper(frame, fromDialer, index);
    const to = fromDialer ? "acceptor" : "dialer";
    if (passed === null || outcomes[to] !== null) continue;
    const step = (fromDialer ? acceptor : dialer).receive(passed);
    outcomes[to] = step.outcome;
    for (const each of step.send) wire.push({ frame: each, fromDialer: !fromDialer });
  }
  return outcomes;
}

describe("handshake", () => {
  test.each([null, "s3cret"])("two nodes of one cluster get together (secret: %s)", (secret) => {
    const { dialer, acceptor } = shake(
      { self: node(2, { targetId: 1 }), secret },
      { self: node(1), secret },
    );
    expect(dialer).toMatchObject({
      kind: "established",
      session: 77,
      remote: { nodeId: 1, incarnation: "i1", configurationId: 1 },
    });
    expect(acceptor).toMatchObject({
      kind: "established",
      session: 77,
      remote: { nodeId: 2, incarnation: "i2", clusterId: "c1" },
    });
  });

  test.each(["client", "admin"] as const)("a %s needs no name", (channel) => {
    const { dialer, acceptor } = shake(
      { self: client({ channel }), secret: "s" },
      { self: node(1, { channel }), secret: "s" },
    );
    expect(dialer).toMatchObject({ kind: "established", remote: { nodeId: 1, clusterId: "c1" } });
    expect(acceptor).toMatchObject({ kind: "established", remote: { nodeId: null } });
  });

  test("a wrong secret is refused as UNAUTHORIZED, and neither side is established", () => {
    const { dialer, acceptor } = shake(
      { self: client(), secret: "right" },
      { self: node(1, { channel: "client" }), secret: "wrong" },
    );
    expect(acceptor).toMatchObject({ kind: "refusedByUs", code: "UNAUTHORIZED" });
    expect(dialer).toMatchObject({
      kind: "refusedByThem",
      code: "UNAUTHORIZED",
      proved: false,
      text: /same secret/,
    });
  });

  test("a missing secret is named, on whichever side it is missing", () => {
    const without = shake(
      { self: client() },
      { self: node(1, { channel: "client" }), secret: "s" },
    );
    expect(without.dialer).toMatchObject({
      code: "UNAUTHORIZED",
      text: "node 1 requires the secret, the client has none",
    });
    const server = shake({ self: client(), secret: "s" }, { self: node(1, { channel: "client" }) });
    expect(server.acceptor).toMatchObject({
      code: "UNAUTHORIZED",
      text: "the client requires the secret, node 1 has none",
    });
    expect(server.dialer?.kind).toBe("refusedByThem");
  });

  test("another cluster is refused, both names in the reason", () => {
    const { dialer, acceptor } = shake(
      { self: node(2, { clusterId: "blue" }) },
      { self: node(1, { clusterId: "green" }) },
    );
    expect(acceptor).toMatchObject({ kind: "refusedByUs", code: "WRONG_CLUSTER" });
    expect(dialer).toMatchObject({ kind: "refusedByThem", code: "WRONG_CLUSTER" });
    expect((dialer as { text: string }).text).toMatch(/"green".*"blue"/);
  });

  test("another version is refused, both versions in the reason", () => {
    const frames: Uint8Array[] = [];
    const { dialer, acceptor } = shake(
      { self: node(2) },
      { self: node(1) },
      (frame, fromDialer, index) => {
        if (!fromDialer) frames.push(frame);
        if (index !== 0) return frame;
        const newer = frame.slice();
        new DataView(newer.buffer).setUint16(5, PROTOCOL_VERSIONS.peer + 1);
        return newer.subarray(0, 20);
      },
    );
    expect(acceptor).toMatchObject({ kind: "refusedByUs", code: "UNSUPPORTED_VERSION" });
    expect(dialer).toMatchObject({ kind: "refusedByThem", code: "UNSUPPORTED_VERSION" });
    expect((dialer as { text: string }).text).toMatch(
      /version 2 of the peer protocol, .* version 3$/,
    );
  });

  test("a refusal from a program of another version is understood", () => {
    const refusal = {
      kind: "refusal",
      code: "UNSUPPORTED_VERSION",
      text: "too old",
      proof: null,
    } as const;
    expect(decodeHandshake(encodeHandshake(refusal, "peer", 9), "peer")).toEqual(refusal);
  });

  test("the wrong node at an address is refused by whoever notices", () => {
    const { dialer, acceptor } = shake({ self: node(3, { targetId: 2 }) }, { self: node(1) });
    expect(acceptor).toMatchObject({
      kind: "refusedByUs",
      code: "UNKNOWN_NODE",
      text: /node 2 was expected .* node 1 is there/,
    });
    expect(dialer).toMatchObject({ kind: "refusedByThem", code: "UNKNOWN_NODE" });
  });

  test("a connection on the wrong channel is refused", () => {
    const { dialer } = shake({ self: client() }, { self: client({ channel: "admin" }) });
    expect(dialer).toMatchObject({
      code: "BAD_HANDSHAKE",
      text: /a connection for "client" came in where one for "admin" belongs/,
    });
  });

  test.each(["dialer", "acceptor"] as const)(
    "a node that lost its directory learns it from the %s, with proof that it may act on it",
    (refuser) => {
      const lost = {
        code: "LOST_IDENTITY",
        text: "node 9 came back empty; remove it first",
      } as const;
      const checkRemote = (): typeof lost => lost;
      for (const secret of [null, "s"]) {
        const outcomes = shake(
          { self: node(2), secret, ...(refuser === "dialer" ? { checkRemote } : {}) },
          { self: node(1), secret, ...(refuser === "acceptor" ? { checkRemote } : {}) },
        );
        const other = refuser === "dialer" ? "acceptor" : "dialer";
        expect(outcomes[refuser]).toMatchObject({ kind: "refusedByUs", ...lost });
        expect(outcomes[other]).toMatchObject({ kind: "refusedByThem", proved: true, ...lost });
        expect((outcomes[other] as { remote: { nodeId: number } }).remote.nodeId).toBe(
          refuser === "dialer" ? 2 : 1,
        );
      }
    },
  );

  test("a forged refusal has no proof", () => {
    const forged = encodeHandshake(
      {
        kind: "refusal",
        code: "LOST_IDENTITY",
        text: "die",
        proof: new Uint8Array(32),
      },
      "peer",
    );
    for (const at of [1, 3]) {
      const { dialer } = shake(
        { self: node(2), secret: "s" },
        { self: node(1), secret: "s" },
        (frame, fromDialer, index) => (!fromDialer && index === at ? forged : frame),
      );
      expect(dialer).toMatchObject({ kind: "refusedByThem", code: "LOST_IDENTITY", proved: false });
    }
  });

  test("peers are looked up only after they proved themselves", () => {
    let asked = 0;
    shake(
      { self: node(2), secret: "wrong" },
      { self: node(1), secret: "right", checkRemote: () => (asked++, null) },
    );
    expect(asked).toBe(0);
  });

  test("a proof of one handshake is worth nothing in another, nor sent back to its maker", () => {
    const recorded: Uint8Array[] = [];
    const secret = "s";
    shake({ self: node(2), secret }, { self: node(1), secret }, (frame, fromDialer) => {
      if (fromDialer) recorded.push(frame);
      return frame;
    });
    let sent = 0;
    const replayed = shake(
      { self: node(2), secret: "unknown" },
      { self: node(1), secret },
      (frame, fromDialer) => (fromDialer ? recorded[sent++]! : frame),
    );
    expect(replayed.acceptor).toMatchObject({ kind: "refusedByUs", code: "UNAUTHORIZED" });

    const victim = new Handshake({ role: "dialer", secret, self: node(2) });
    const hello = victim.start()[0]!;
    const proof = victim.receive(
      encodeHandshake(
        { kind: "hello", hello: { ...node(1), authenticates: true, bound: false } },
        "peer",
      ),
    ).send[0]!;
    expect(hello).toBeDefined();
    const { proof: bytes } = decodeHandshake(proof, "peer") as { proof: Uint8Array };
    const step = victim.receive(
      encodeHandshake({ kind: "welcome", proof: bytes, session: 1 }, "peer"),
    );
    expect(step.outcome).toMatchObject({ kind: "refusedByUs", code: "UNAUTHORIZED" });
  });

  test("changing any byte on the way never establishes both sides with a secret, unless it changed nothing they act on", () => {
    fc.assert(
      fc.property(fc.nat(4), fc.nat(400), fc.integer({ min: 1, max: 255 }), (index, at, by) => {
        let changed = false;
        const { dialer, acceptor } = shake(
          { self: node(2), secret: "s" },
          { self: node(1), secret: "s" },
          (frame, _, i) => {
            if (i !== index || at >= frame.length) return frame;
            changed = true;
            const copy = frame.slice();
            copy[at]! ^= by;
            return copy;
          },
        );
        // The session id and the ready frame come after the last proof: damage there shows at the first frame of the session.
        if (changed && index < 3) {
          expect(dialer?.kind === "established" && acceptor?.kind === "established").toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("garbage in place of any frame is refused, never thrown at us", () => {
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.uint8Array({ maxLength: 100 }),
        fc.boolean(),
        (index, garbage, dressed) => {
          const bytes = dressed
            ? Uint8Array.of(0x4f, 0x4d, 0x4b, 0x56, garbage[0] ?? 1, 0, 2, ...garbage)
            : garbage;
          const { dialer, acceptor } = shake({ self: node(2) }, { self: node(1) }, (frame, _, i) =>
            i === index ? bytes : frame,
          );
          expect([dialer?.kind, acceptor?.kind]).toContain("refusedByUs");
          expect(() => {
            try {
              decodeHandshake(bytes, "peer");
            } catch (error) {
              if (!(error instanceof DecodeError)) throw error;
            }
          }).not.toThrow();
        },
      ),
      { numRuns: 1000 },
    );
  });
});
