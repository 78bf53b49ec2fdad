/**
 * Both sides of the handshake as a state machine: frames in, frames and a verdict out.
 *
 * Invariants:
 *   HANDSHAKE-1. With a secret, nothing is established unless both sides proved that they know it, over both hellos as they
 *       were sent: names, ids, channel and nonces included. Proofs of the two roles differ, so none can be sent back. A
 *       refusal that comes after the other side's proof carries one too, so that a node can act on it.
 *   HANDSHAKE-2. Without one, no proof is sent or accepted; a side with a secret refuses one without.
 *   HANDSHAKE-3. `checkRemote` is asked only about a side that has proved itself; so a stranger learns nothing of our peers.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { assert, unreachable } from "../base/assert.ts";
import { DecodeError } from "../wire/decode-error.ts";
import {
  decodeHandshake,
  encodeHandshake,
  REFUSAL_TEXT_MAX,
  VersionError,
  type HandshakeFrame,
  type Hello,
  type RefusalCode,
} from "../wire/handshake.ts";
import { missingSecretText } from "../wire/secret-refusal.ts";

export interface Refusal {
  readonly code: RefusalCode;
  readonly text: string;
}

export interface HandshakeOptions {
  readonly role: "dialer" | "acceptor";
  readonly self: Omit<Hello, "authenticates">;
  /**
   * Between nodes: what to say of the disk, asked for once, when a hello is to be sent; takes the place of what `self` says.
   * @param to the id of who is dialed; of who dials, as it says, which is not proved
   */
  readonly present?: (to: number) => Pick<Hello, "incarnation" | "peer">;
  /** The cluster's secret. Null: nobody proves anything. */
  readonly secret: string | null;
  /** Acceptor: the id of the session to come. */
  readonly session?: number;
  /** The last word on the other side, once it has proved itself. @returns null when it is welcome */
  readonly checkRemote?: (remote: Hello) => Refusal | null;
}

export type HandshakeOutcome =
  | { readonly kind: "established"; readonly remote: Hello; readonly session: number }
  /** By us: our refusal is among the frames to send. `remote` is what it said of itself, proved or not. */
  | ({ readonly kind: "refusedByUs"; readonly remote: Hello | null } & Refusal)
  /** By them. `proved`: the refusal itself shows that they know the secret, or there is none. Else anybody may have said it. */
  | ({
      readonly kind: "refusedByThem";
      readonly remote: Hello | null;
      readonly proved: boolean;
    } & Refusal);

export interface HandshakeStep {
  readonly send: readonly Uint8Array[];
  /** Null: it goes on. */
  readonly outcome: HandshakeOutcome | null;
}

type State = "hello" | "proof" | "welcome" | "ready" | "over";

export class Handshake {
  readonly #options: HandshakeOptions;
  #helloFrame: Uint8Array = new Uint8Array(0);
  #state: State = "hello";
  #remote: Hello | null = null;
  #remoteFrame: Uint8Array = new Uint8Array(0);
  #proved: boolean;

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#proved = options.secret === null;
  }

  /** What to send when the connection is open. */
  start(): readonly Uint8Array[] {
    if (this.#options.role === "acceptor") return [];
    return [this.#introduce(this.#options.self.targetId)];
  }

  /** Whose disk knows what it has told whom, so what is said depends on who is there. */
  #introduce(to: number | null): Uint8Array {
    const { self, secret, present } = this.#options;
    const presence = to === null ? {} : present?.(to);
    const hello: Hello = { ...self, ...presence, authenticates: secret !== null };
    this.#helloFrame = this.#encode({ kind: "hello", hello });
    return this.#helloFrame;
  }

  /** Never throws for what the other side sends. */
  receive(bytes: Uint8Array): HandshakeStep {
    assert(this.#state !== "over", "a handshake that is over receives no frames");
    let frame: HandshakeFrame;
    try {
      frame = decodeHandshake(bytes, this.#options.self.channel);
    } catch (error) {
      if (error instanceof VersionError) return this.#refuse("UNSUPPORTED_VERSION", error.message);
      if (error instanceof DecodeError) return this.#refuse("BAD_HANDSHAKE", error.message);
      throw error;
    }
    if (frame.kind === "refusal") return this.#onRefusal(frame);
    if (frame.kind !== this.#state) {
      return this.#refuse("BAD_HANDSHAKE", `expected ${this.#state}, got ${frame.kind}`);
    }
    switch (frame.kind) {
      case "hello":
        return this.#onHello(frame.hello, bytes);
      case "proof":
        return this.#onProof(frame.proof);
      case "welcome":
        return this.#onWelcome(frame.proof, frame.session);
      case "ready":
        return this.#establish([], this.#options.session ?? 0);
      default:
        return unreachable(frame, "handshake frame");
    }
  }

  #onHello(remote: Hello, bytes: Uint8Array): HandshakeStep {
    this.#remote = remote;
    // The transcript outlives the call, the frame need not.
    this.#remoteFrame = bytes.slice();
    const refusal = mismatch(this.#options.self, remote) ?? this.#secretMismatch(remote);
    if (refusal !== null) return this.#refuse(refusal.code, refusal.text);
    if (this.#options.role === "acceptor") {
      this.#state = "proof";
      return { send: [this.#introduce(remote.nodeId)], outcome: null };
    }
    this.#state = "welcome";
    return {
      send: [this.#encode({ kind: "proof", proof: this.#prove("dialer") })],
      outcome: null,
    };
  }

  #onRefusal({ code, text, proof }: Extract<HandshakeFrame, { kind: "refusal" }>): HandshakeStep {
    this.#state = "over";
    const expected = this.#prove(`${otherRole(this.#options.role)} refuses ${code}: ${text}`);
    const proved = expected === null || (proof !== null && timingSafeEqual(expected, proof));
    const remote = this.#remote;
    return { send: [], outcome: { kind: "refusedByThem", remote, proved, code, text } };
  }

  #onProof(proof: Uint8Array | null): HandshakeStep {
    const refusal = this.#checkProof("dialer", proof) ?? this.#checkRemote();
    if (refusal !== null) return this.#refuse(refusal.code, refusal.text);
    this.#state = "ready";
    const session = this.#options.session ?? 0;
    const welcome = this.#encode({ kind: "welcome", proof: this.#prove("acceptor"), session });
    return { send: [welcome], outcome: null };
  }

  #onWelcome(proof: Uint8Array | null, session: number): HandshakeStep {
    const refusal = this.#checkProof("acceptor", proof) ?? this.#checkRemote();
    if (refusal !== null) return this.#refuse(refusal.code, refusal.text);
    return this.#establish([this.#encode({ kind: "ready" })], session);
  }

  #establish(send: readonly Uint8Array[], session: number): HandshakeStep {
    assert(this.#remote !== null && this.#proved, "established only after hello and proof");
    this.#state = "over";
    return { send, outcome: { kind: "established", remote: this.#remote, session } };
  }

  #refuse(code: RefusalCode, longText: string): HandshakeStep {
    this.#state = "over";
    const text = longText.slice(0, REFUSAL_TEXT_MAX);
    const proof = this.#proved
      ? this.#prove(`${this.#options.role} refuses ${code}: ${text}`)
      : null;
    return {
      send: [this.#encode({ kind: "refusal", code, text, proof })],
      outcome: { kind: "refusedByUs", remote: this.#remote, code, text },
    };
  }

  #encode(frame: HandshakeFrame): Uint8Array {
    return encodeHandshake(frame, this.#options.self.channel);
  }

  /** Says what is missing instead of leaving it to a proof that must fail. */
  #secretMismatch(remote: Hello): Refusal | null {
    const needed = this.#options.secret !== null;
    if (needed === remote.authenticates) return null;
    const ours = sideName(this.#options.self);
    const theirs = sideName(remote);
    const [holder, other] = needed ? [ours, theirs] : [theirs, ours];
    return { code: "UNAUTHORIZED", text: missingSecretText(holder, other) };
  }

  #checkRemote(): Refusal | null {
    if (this.#remote === null) return null;
    return this.#options.checkRemote?.(this.#remote) ?? null;
  }

  #checkProof(role: "dialer" | "acceptor", proof: Uint8Array | null): Refusal | null {
    const expected = this.#prove(role);
    if (expected === null && proof === null) return null;
    if (expected === null || proof === null || !timingSafeEqual(expected, proof)) {
      return { code: "UNAUTHORIZED", text: "the two sides do not have the same secret" };
    }
    this.#proved = true;
    return null;
  }

  /** @param statement what the proof is good for; never the same for both roles */
  #prove(statement: string): Uint8Array | null {
    if (this.#options.secret === null) return null;
    const ours = this.#helloFrame;
    const theirs = this.#remoteFrame;
    const [dialer, acceptor] = this.#options.role === "dialer" ? [ours, theirs] : [theirs, ours];
    const lengths = new Uint8Array(8);
    new DataView(lengths.buffer).setUint32(0, dialer.length);
    new DataView(lengths.buffer).setUint32(4, acceptor.length);
    return createHmac("sha256", this.#options.secret)
      .update(`omnikv handshake: ${statement}\n`)
      .update(lengths)
      .update(dialer)
      .update(acceptor)
      .digest();
  }
}

function otherRole(role: "dialer" | "acceptor"): "dialer" | "acceptor" {
  return role === "dialer" ? "acceptor" : "dialer";
}

function sideName(hello: Pick<Hello, "channel" | "nodeId">): string {
  return hello.nodeId === null ? `the ${hello.channel}` : `node ${hello.nodeId}`;
}

/** What two hellos must agree on. Texts name both values. */
function mismatch(self: Omit<Hello, "authenticates">, remote: Hello): Refusal | null {
  if (remote.channel !== self.channel) {
    const text = `a connection for "${remote.channel}" came in where one for "${self.channel}" belongs`;
    return { code: "BAD_HANDSHAKE", text };
  }
  const named = self.clusterId !== null && remote.clusterId !== null;
  if (named && remote.clusterId !== self.clusterId) {
    const text = `one side belongs to cluster "${self.clusterId}", the other to cluster "${remote.clusterId}": give both the same --cluster-id, or correct the address`;
    return { code: "WRONG_CLUSTER", text };
  }
  if (remote.targetId !== null && self.nodeId !== null && remote.targetId !== self.nodeId) {
    const text = `node ${remote.targetId} was expected at this address, but node ${self.nodeId} is there: correct the list of nodes (--peers, --nodes or the cluster file)`;
    return { code: "UNKNOWN_NODE", text };
  }
  if (self.targetId !== null && remote.nodeId !== self.targetId) {
    const text = `node ${self.targetId} was expected at this address, but node ${remote.nodeId ?? "?"} is there: correct the list of nodes (--peers, --nodes or the cluster file)`;
    return { code: "UNKNOWN_NODE", text };
  }
  return null;
}
