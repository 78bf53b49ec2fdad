/**
 * Both sides of the handshake as a state machine: frames in, frames and a verdict out.
 *
 * Invariants:
 *   HANDSHAKE-1. With a secret, nothing is established unless both sides proved that they know it, over both hellos as they were
 *       sent: names, ids, channel and nonces included. Proofs of the two roles differ, so none can be sent back.
 *       A refusal that comes after the other side's proof carries one too, so that a node can act on it.
 *       One exception: clients and managers that will sign in with a user name. An acceptor with `secretOptional` lets them in without
 *       a proof, and then neither side proves anything.
 *   HANDSHAKE-2. A side without a secret sends and accepts no proof; a side with a secret refuses a side without one.
 *       A side that knows several secrets proves its first as a dialer, and as an acceptor the one that the dialer proved.
 *   HANDSHAKE-3. `checkRemote` is asked only about a side that has proved itself; so a stranger learns nothing of our peers.
 *   HANDSHAKE-4. Where the wire is encrypted and there is a secret, proofs are made over the binding of the connection too, so that a
 *       proof that is carried over from another connection proves nothing. Each side says in its hello, which its proofs cover,
 *       whether its proofs cover the binding, and is believed on no other proof if it says so. A dialer over such a wire accepts only
 *       proofs over the binding. An acceptor demands it of nodes, but not of clients and managers: browsers hide it from a page.
 */
import { assert, type Secrets, secretsNow, unreachable } from "../../base/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import {
  decodeHandshake,
  encodeHandshake,
  type HandshakeFrame,
  type Hello,
  missingSecretText,
  openedWireText,
  otherSecretText,
  REFUSAL_TEXT_MAX,
  type RefusalCode,
  VersionError,
} from "../../protocol/handshake/index.ts";
import { hmacSha256, isSameProof } from "./proof-hash.ts";

export interface Refusal {
  readonly code: RefusalCode;
  readonly text: string;
}

export interface HandshakeOptions {
  readonly role: "dialer" | "acceptor";
  readonly self: Omit<Hello, "authenticates" | "bound">;
  /**
   * Between nodes: what this node says of its disk, in place of what `self` says. Called once, before this side sends its hello.
   * @param to the dialed node's id; for an acceptor the id that the dialer claims, which is not proved
   */
  readonly present?: (to: number) => Pick<Hello, "incarnation" | "peer">;
  /** The secrets of which this side proves one, read once. None: neither side proves anything. */
  readonly secret: Secrets;
  /** Acceptor: whether a client or manager without the secret may come in, because it will prove with a sign-in who it is. */
  readonly secretOptional?: () => boolean;
  /** See WireSecurity; asked when the connection is open. Default: the wire is not encrypted. */
  readonly binding?: () => Uint8Array | null;
  /** Acceptor: the id of the session to come. */
  readonly session?: number;
  /** The last word on the other side, once it has proved itself. @returns null when it is welcome */
  readonly checkRemote?: (remote: Hello) => Refusal | null;
}

export type HandshakeOutcome =
  | { readonly kind: "established"; readonly remote: Hello; readonly session: number }
  /** By us: our refusal is among the frames to send. `remote` is what the other side said of itself, proved or not. */
  | ({ readonly kind: "refusedByUs"; readonly remote: Hello | null } & Refusal)
  /** By them. `proved`: the refusal itself shows that they know the secret, or there is none. Else a stranger may have sent it. */
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
  /** The first is the one that this side proves. */
  #secrets: readonly string[];
  /** Which of them both sides know; null: not known yet. */
  #secret: string | null = null;
  #bound = false;

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#secrets = secretsNow(options.secret);
    this.#proved = this.#secrets.length === 0;
  }

  get #needsSecret(): boolean {
    return this.#secrets.length > 0;
  }

  /** Null: proofs of this side are over no binding. */
  get #binding(): Uint8Array | null {
    return this.#needsSecret ? (this.#options.binding?.() ?? null) : null;
  }

  /** What to send when the connection is open. */
  start(): readonly Uint8Array[] {
    if (this.#options.role === "acceptor") return [];
    return [this.#introduce(this.#options.self.targetId)];
  }

  /** What this node says of its disk depends on the other side: the disk records which peers it has told what. */
  #introduce(to: number | null): Uint8Array {
    const { self, role, present } = this.#options;
    const presence = to === null ? {} : present?.(to);
    // The acceptor follows the dialer: a browser's proofs are over no binding.
    this.#bound = this.#binding !== null && (role === "dialer" || this.#remote?.bound === true);
    const claims = { authenticates: this.#needsSecret, bound: this.#bound };
    const hello: Hello = { ...self, ...presence, ...claims };
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
    if (!remote.authenticates && this.#options.secretOptional?.() === true) {
      this.#secrets = [];
      this.#proved = true;
    }
    const refusal =
      mismatch(this.#options.self, remote) ??
      this.#secretMismatch(remote) ??
      this.#wireMismatch(remote);
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
    const statement = `${otherRole(this.#options.role)} refuses ${code}: ${text}`;
    const proved =
      !this.#needsSecret || (proof !== null && this.#secretOf(statement, proof) !== null);
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
    const needed = this.#needsSecret;
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

  /** HANDSHAKE-4. Called only when both sides have a secret. */
  #wireMismatch(remote: Hello): Refusal | null {
    if (!this.#needsSecret) return null;
    const own = this.#binding !== null;
    const { role, self } = this.#options;
    const isOptional = role === "acceptor" && self.channel !== "peer";
    if (own === remote.bound || (own && isOptional)) return null;
    const [inside, outside] = [sideName(own ? self : remote), sideName(own ? remote : self)];
    return { code: "UNAUTHORIZED", text: openedWireText(inside, outside) };
  }

  #checkProof(role: "dialer" | "acceptor", proof: Uint8Array | null): Refusal | null {
    if (!this.#needsSecret && proof === null) return null;
    const secret = proof === null ? null : this.#secretOf(role, proof);
    if (secret === null) {
      return { code: "UNAUTHORIZED", text: otherSecretText(this.#bound) };
    }
    this.#secret = secret;
    this.#proved = true;
    return null;
  }

  /**
   * The secret that the other side has proved; null: none that this side takes. A dialer takes only the secret that it has proved
   * itself: the acceptor knows it from that proof and answers with the same one.
   */
  #secretOf(statement: string, proof: Uint8Array): string | null {
    const { role } = this.#options;
    const known = this.#secret === null ? this.#secrets : [this.#secret];
    const secrets = role === "dialer" ? known.slice(0, 1) : known;
    let found: string | null = null;
    for (const secret of secrets) {
      if (isSameProof(this.#proofWith(secret, statement), proof)) found ??= secret;
    }
    return found;
  }

  /** @param statement what the proof asserts; never the same for both roles */
  #prove(statement: string): Uint8Array | null {
    const secret = this.#secret ?? this.#secrets[0];
    return secret === undefined ? null : this.#proofWith(secret, statement);
  }

  #proofWith(secret: string, statement: string): Uint8Array {
    const ours = this.#helloFrame;
    const theirs = this.#remoteFrame;
    const [dialer, acceptor] = this.#options.role === "dialer" ? [ours, theirs] : [theirs, ours];
    const lengths = new Uint8Array(8);
    new DataView(lengths.buffer).setUint32(0, dialer.length);
    new DataView(lengths.buffer).setUint32(4, acceptor.length);
    const binding = this.#bound ? this.#binding : null;
    return hmacSha256(secret, [
      `omnikv handshake: ${statement}\n`,
      lengths,
      dialer,
      acceptor,
      ...(binding === null ? [] : [binding]),
    ]);
  }
}

function otherRole(role: "dialer" | "acceptor"): "dialer" | "acceptor" {
  return role === "dialer" ? "acceptor" : "dialer";
}

function sideName(hello: Pick<Hello, "channel" | "nodeId">): string {
  return hello.nodeId === null ? `the ${hello.channel}` : `node ${hello.nodeId}`;
}

/** What two hellos must agree on. Texts name both values. */
function mismatch(self: HandshakeOptions["self"], remote: Hello): Refusal | null {
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
