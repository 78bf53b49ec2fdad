/** One connection to one node: dialed when it is needed, handshake included, dialed again when it is needed again. */
import { hostPort, KvError, type Secrets } from "../../base/index.ts";
import {
  afterRunning,
  dialWithHandshake,
  type HandshakeFailure,
  type Refusal,
} from "../../links/handshake/index.ts";
import { NO_ORIGIN } from "../../store/commands/index.ts";
import type { CancelTimer, Clock, Connection, Network, Random } from "../../machine/ports/index.ts";
import { REFUSALS } from "../../protocol/handshake/index.ts";
import type { SignInAnswer, SignInRequest } from "../../protocol/client/index.ts";
import type { Credentials } from "./credentials.ts";
import type { NodeSelf } from "./known-cluster.ts";
import type { Endpoint } from "../terms/index.ts";

/** How a link says who it is, before it is open. */
export interface LinkSignIn {
  readonly credentials: Credentials;
  encode(request: SignInRequest): Uint8Array;
  /** @returns null: it is no answer to a sign-in */
  decode(frame: Uint8Array): SignInAnswer | KvError | null;
}

export interface LinkOptions {
  /** Left out or null: it says nothing. */
  readonly signIn?: LinkSignIn | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  /** Null: not checked. */
  readonly clusterId: string | null;
  readonly secret: Secrets;
  /** From the dial until the handshake is over, and the link is signed in. */
  readonly connectTimeoutMs: number;
  /**
   * Has the last word on a node that has said who it is. Default: any node at the address is accepted.
   * @param by "node 1 at 127.0.0.1:4101"
   */
  readonly meet?: (self: NodeSelf, by: string) => Refusal | null;
}

/** So much of the time-out is left at least for signing in, should the process have stood still before. */
const SIGN_IN_SHARE = 1 / 8;

/** None of them is called from within a call of the link. */
export interface LinkHandlers {
  onOpen(): void;
  onFrame(frame: Uint8Array): void;
  /** The link was open and is no more: what was sent may or may not have arrived. */
  onLost(error: KvError): void;
  /** It could not be opened: nothing was sent. */
  onUnreachable(error: KvError): void;
}

export class NodeLink {
  readonly node: Endpoint;
  readonly #channel: "client" | "admin";
  readonly #options: LinkOptions;
  readonly #handlers: LinkHandlers;
  #id: number;
  #state: "idle" | "connecting" | "open" = "idle";
  #connection: Connection | null = null;
  #closed = false;
  #asksForOrigin = false;
  #dropped: KvError | null = null;
  /** The sign-in request that has no answer yet. */
  #signingIn: SignInRequest | null = null;
  /** What the function of the password threw: the request is by an earlier one, which may be wrong by now. */
  #thrown: unknown = null;
  #cancelRenewal: CancelTimer | null = null;
  #cancelSignInDeadline: CancelTimer | null = null;

  constructor(
    node: Endpoint,
    channel: "client" | "admin",
    options: LinkOptions,
    handlers: LinkHandlers,
  ) {
    this.node = node;
    this.#id = node.id ?? 0;
    this.#channel = channel;
    this.#options = options;
    this.#handlers = handlers;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get address(): string {
    return hostPort(this.node);
  }

  /** The id of the node that the connection leads or led to last. 0: it was not given, and there was none yet. */
  get id(): number {
    return this.#id;
  }

  /** "node 1 at 127.0.0.1:4101" */
  get name(): string {
    return this.#id === 0 ? `the node at ${this.address}` : `node ${this.#id} at ${this.address}`;
  }

  /** The node that the connection leads to knows of origins and had none yet when it last told: the client must ask. */
  get asksForOrigin(): boolean {
    return this.#asksForOrigin;
  }

  /** The node has told it. */
  originTold(): void {
    this.#asksForOrigin = false;
  }

  /** Bytes handed over and not yet taken by the operating system. */
  bufferedBytes(): number {
    return this.#connection?.bufferedBytes() ?? 0;
  }

  /** Dials unless the link is open or being opened. */
  open(): void {
    if (this.#state !== "idle" || this.#closed) return;
    this.#state = "connecting";
    const { clock, random, network, clusterId, secret, connectTimeoutMs, meet } = this.#options;
    this.#dropped = null;
    const dialedMs = clock.now();
    this.#connection = dialWithHandshake(
      (handlers) => network.dial(this.node, this.#channel, handlers),
      {
        clock,
        random,
        timeoutMs: connectTimeoutMs,
        handshake: {
          secret,
          self: {
            channel: this.#channel,
            clusterId,
            nodeId: null,
            targetId: this.node.id,
            incarnation: null,
            origin: null,
            peer: null,
            configurationId: null,
          },
          checkRemote: (remote) => {
            this.#id = remote.nodeId ?? this.#id;
            return meet?.(remote, this.name) ?? null;
          },
        },
        established: (connection, remote) => {
          this.#asksForOrigin = remote.origin === NO_ORIGIN;
          this.#connection = connection;
          const { signIn } = this.#options;
          if (signIn == null) this.#state = "open";
          // The peer must get our last handshake frame before anything else: it is queued when this call returns.
          clock.endOfTurn(() => {
            if (this.#closed || this.#connection !== connection) return;
            if (signIn == null) this.#handlers.onOpen();
            else {
              this.#limitSignIn(dialedMs);
              this.#signIn(signIn);
            }
          });
          return {
            onFrame: (frame) => {
              if (this.#signingIn !== null && this.#onSignedIn(frame)) return;
              this.#handlers.onFrame(frame);
            },
            onClose: (reason) => this.#onClose(reason),
          };
        },
        failed: (failure) => {
          this.#state = "idle";
          this.#connection = null;
          if (!this.#closed) this.#handlers.onUnreachable(this.#unreachable(failure));
        },
      },
    );
  }

  /** An open link signs in anew: its last sign-in has ended, or the password has changed. */
  signInAgain(): void {
    const { signIn } = this.#options;
    if (signIn == null || this.#state !== "open" || this.#signingIn !== null) return;
    signIn.credentials.forget();
    this.#signIn(signIn);
  }

  /** A node that shook hands and is frozen since must not hold up what waits for the link. */
  #limitSignIn(dialedMs: number): void {
    const { clock, connectTimeoutMs } = this.#options;
    const left = connectTimeoutMs - (clock.now() - dialedMs);
    const ms = Math.max(left, SIGN_IN_SHARE * connectTimeoutMs);
    this.#cancelSignInDeadline = afterRunning(clock, ms, () => {
      const text = `${this.name}: not signed in within ${connectTimeoutMs} ms`;
      this.drop(new KvError("CONNECTION_FAILED", text));
    });
  }

  #signIn(signIn: LinkSignIn): void {
    try {
      this.#signingIn = signIn.credentials.request();
    } catch (error) {
      return this.#cannotSignIn(error);
    }
    this.#thrown = signIn.credentials.thrown;
    this.#connection?.send(signIn.encode(this.#signingIn));
  }

  /** No password that might be right can be had. What the function throws passes; what it should not return is a mistake. */
  #cannotSignIn(thrown: unknown): void {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const code = thrown instanceof KvError ? "UNAUTHENTICATED" : "CONNECTION_FAILED";
    this.drop(new KvError(code, `${this.name}: the password cannot be had: ${why}`));
  }

  /** @returns false: it is something else */
  #onSignedIn(frame: Uint8Array): boolean {
    const { signIn, clock } = this.#options;
    const asked = this.#signingIn;
    if (signIn == null || asked === null) return false;
    const answer = signIn.decode(frame);
    if (answer === null) return false;
    this.#signingIn = null;
    const { credentials } = signIn;
    credentials.answered(asked, answer);
    if (answer instanceof KvError) {
      if ("token" in asked.proof && credentials.canRenew) this.#signIn(signIn);
      else if (this.#thrown !== null) this.#cannotSignIn(this.#thrown);
      else this.drop(new KvError(answer.code, `${this.name}: ${answer.message}`));
      return true;
    }
    this.#cancelRenewal?.();
    if (credentials.canRenew && answer.lifetimeMs > 0) {
      this.#cancelRenewal = clock.after(answer.lifetimeMs / 2, () => {
        if (this.#state === "open" && this.#signingIn === null) this.#signIn(signIn);
      });
    }
    if (this.#state === "open") return true;
    this.#cancelSignInDeadline?.();
    this.#state = "open";
    this.#handlers.onOpen();
    return true;
  }

  #onClose(reason: string): void {
    const wasOpen = this.#state === "open";
    this.#state = "idle";
    this.#connection = null;
    this.#signingIn = null;
    this.#cancelRenewal?.();
    this.#cancelSignInDeadline?.();
    if (this.#closed) return;
    if (wasOpen) return this.#handlers.onLost(this.#dropped ?? this.#lost(reason));
    const text = `the connection to ${this.name} was lost while signing in: ${reason}`;
    this.#handlers.onUnreachable(this.#dropped ?? new KvError("CONNECTION_FAILED", text));
  }

  send(frame: Uint8Array): void {
    this.#connection?.send(frame);
  }

  /**
   * Ends an open connection at once, as if it had been lost; the link may be opened again.
   * @param why the error to tell instead of a lost connection
   */
  drop(why: KvError | null = null): void {
    this.#dropped ??= why;
    this.#connection?.destroy();
  }

  /** For good. No handler is called any more. */
  close(): void {
    this.#closed = true;
    this.#cancelRenewal?.();
    this.#cancelSignInDeadline?.();
    this.#connection?.close("client closed");
    this.#connection = null;
  }

  #lost(reason: string): KvError {
    return new KvError("CONNECTION_LOST", `the connection to ${this.name} was lost: ${reason}`);
  }

  #unreachable(failure: HandshakeFailure): KvError {
    const where = this.name;
    if (failure.kind === "ended") {
      return new KvError("CONNECTION_FAILED", `cannot connect to ${where}: ${failure.text}`);
    }
    return new KvError(REFUSALS[failure.code], `${where}: ${failure.text}`, { definite: true });
  }
}
