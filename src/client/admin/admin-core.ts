/** Management of nodes, each asked by its id. */
import { KvError } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import {
  ADMIN_OPERATIONS,
  ADMIN_OPS,
  type AdminOp,
  type AdminParams,
  type AdminResult,
  decodeAdminAnswer,
  encodeAdminRequest,
  issueText,
  parseAdminResult,
} from "../../protocol/admin/index.ts";
import { DecodeError } from "../../protocol/codec/index.ts";
import {
  addressesIn,
  checkClientOptions,
  checkCredentials,
  type ClientCoreOptions,
  Credentials,
  linkOptionsOf,
  type LinkSignIn,
  NodeLink,
} from "../core/index.ts";
import {
  onAbort,
  badArgument,
  namesOf,
  type NodeAddress,
  type NodesGiven,
  type RequestOptions,
  wrongNodeId,
  wrongRequestOptions,
  cancelled,
  withReason,
} from "../terms/index.ts";

export type AdminClientOptions = Pick<
  ClientCoreOptions,
  | "clock"
  | "random"
  | "network"
  | "clusterId"
  | "secret"
  | "timeoutMs"
  | "connectTimeoutMs"
  | "user"
  | "password"
  | "token"
> & {
  /** Each with its id. */
  readonly nodes: NodesGiven;
};

const NO_OPTIONS: Omit<RequestOptions, "node"> = Object.freeze({});

const OPTION_NAMES = namesOf<Omit<RequestOptions, "node">>({ timeoutMs: true, signal: true });

/** Requests without an answer, of one node. */
const PENDING_MAX = 1024;

/**
 * Asks nodes for their state and changes their links: by the name of an operation. Programs have it behind `AdminClient` (client/api),
 * which loads it when it is first used. Promises reject with a KvError; every operation may be repeated without harm. Connections are
 * made when they are needed; `close` ends them.
 */
export class AdminCore {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #nodes: ReadonlyMap<number, AdminNode>;

  /** @throws KvError BAD_REQUEST that names the option, what was expected and what came */
  constructor(options: AdminClientOptions) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs ?? 5000;
    checkClientOptions(options);
    this.#nodes = new Map(
      addressesIn(options.nodes).map((node) => [node.id, new AdminNode(node, options)]),
    );
  }

  /** @param node who is asked */
  call<Op extends AdminOp>(
    node: number,
    op: Op,
    params: AdminParams<Op>,
    options: Omit<RequestOptions, "node"> = NO_OPTIONS,
  ): Promise<AdminResult<Op>> {
    const wrong =
      wrongNodeId("node", node) ??
      wrongCall(op, params) ??
      wrongRequestOptions(options, OPTION_NAMES);
    if (wrong !== null) return Promise.reject(wrong);
    const { signal, timeoutMs = this.#timeoutMs } = options;
    return new Promise((resolve, reject) => {
      const asked = this.#nodes.get(node);
      if (asked === undefined) {
        const ids = [...this.#nodes.keys()].join(", ");
        reject(new KvError("UNKNOWN_NODE", `there is no node ${node}: the nodes are ${ids}`));
        return;
      }
      if (signal?.aborted === true) {
        reject(cancelled("it was sent", signal));
        return;
      }
      const cancelTimer = this.#clock.after(timeoutMs, () => give("TIMEOUT"));
      const pending: Pending = {
        request: (id) => encodeAdminRequest(id, op, params),
        done: (error, result) => {
          cancelTimer();
          stopListening?.();
          if (error !== null) return reject(withReason(error, signal));
          try {
            resolve(parseAdminResult(op, result));
          } catch (cause) {
            if (!(cause instanceof DecodeError)) throw cause;
            reject(new KvError("INTERNAL", `node ${node}: ${cause.message}`, { cause }));
          }
        },
      };
      const give = (code: "TIMEOUT" | "CANCELLED"): void => asked.giveUp(pending, code, timeoutMs);
      const stopListening = signal === undefined ? null : onAbort(signal, () => give("CANCELLED"));
      asked.submit(pending);
    });
  }

  /** Rejects what has no answer yet (CANCELLED) and ends the connections. */
  close(): void {
    for (const node of this.#nodes.values()) node.close();
  }
}

/** What cannot be sent, or what a node would not understand. */
function wrongCall(op: AdminOp, params: unknown): KvError | null {
  if (!ADMIN_OPS.includes(op)) return badArgument("op", `one of ${ADMIN_OPS.join(", ")}`, op);
  const checked = ADMIN_OPERATIONS[op].params.safeParse(params);
  if (checked.success) return null;
  return new KvError("BAD_REQUEST", issueText(checked.error, op, params));
}

/** The number of a request to sign in; others count from 1. */
const SIGN_IN_ID = 0;

function adminSignIn(options: AdminClientOptions): LinkSignIn | null {
  checkCredentials(options);
  const credentials = Credentials.of(options.clock, options);
  if (credentials === null) return null;
  return {
    credentials,
    encode: ({ user, proof }) =>
      encodeAdminRequest(SIGN_IN_ID, "signIn", {
        user,
        password: "password" in proof ? proof.password : null,
        token: "token" in proof ? proof.token : null,
      }),
    decode: (frame) => {
      try {
        const answer = decodeAdminAnswer(frame);
        if (answer.id !== SIGN_IN_ID) return null;
        return answer.ok ? parseAdminResult("signIn", answer.result) : answer.error;
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        return new KvError("INTERNAL", error.message);
      }
    },
  };
}

interface Pending {
  readonly request: (id: number) => Uint8Array;
  readonly done: (error: KvError | null, result: unknown) => void;
}

class AdminNode {
  readonly #link: NodeLink;
  readonly #queued = new Set<Pending>();
  readonly #sent = new Map<number, Pending>();
  #nextId = 1;
  #closed = false;

  constructor(node: NodeAddress, options: AdminClientOptions) {
    const linkOptions = { ...linkOptionsOf(options), signIn: adminSignIn(options) };
    this.#link = new NodeLink(node, "admin", linkOptions, {
      onOpen: () => this.#flush(),
      onFrame: (frame) => this.#onFrame(frame),
      onLost: (error) => {
        this.#fail([...this.#sent.values()], error);
        if (this.#queued.size > 0) this.#link.open();
      },
      onUnreachable: (error) => this.#fail([...this.#queued], error),
    });
  }

  submit(pending: Pending): void {
    if (this.#closed) {
      return pending.done(
        new KvError("CANCELLED", "the client is closed", { definite: true }),
        null,
      );
    }
    if (this.#queued.size + this.#sent.size >= PENDING_MAX) {
      const text = `${PENDING_MAX} requests to this node have no answer yet`;
      return pending.done(new KvError("OVERLOADED", text), null);
    }
    this.#queued.add(pending);
    if (this.#link.isOpen) this.#flush();
    else this.#link.open();
  }

  giveUp(pending: Pending, code: "TIMEOUT" | "CANCELLED", timeoutMs: number): void {
    const text = code === "TIMEOUT" ? `no answer within ${timeoutMs} ms` : "cancelled";
    const definite = this.#queued.has(pending);
    this.#fail([pending], new KvError(code, text, { definite }));
  }

  close(): void {
    this.#closed = true;
    this.#fail(
      [...this.#queued],
      new KvError("CANCELLED", "the client was closed", { definite: true }),
    );
    this.#fail([...this.#sent.values()], new KvError("CANCELLED", "the client was closed"));
    this.#link.close();
  }

  #flush(): void {
    for (const pending of this.#queued) {
      const id = this.#nextId++;
      this.#sent.set(id, pending);
      this.#link.send(pending.request(id));
    }
    this.#queued.clear();
  }

  #onFrame(frame: Uint8Array): void {
    try {
      const answer = decodeAdminAnswer(frame);
      const pending = this.#sent.get(answer.id);
      this.#sent.delete(answer.id);
      if (answer.ok) pending?.done(null, answer.result);
      else pending?.done(answer.error, null);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#link.drop();
    }
  }

  #fail(requests: readonly Pending[], error: KvError): void {
    for (const pending of requests) {
      this.#queued.delete(pending);
      for (const [id, sent] of this.#sent) if (sent === pending) this.#sent.delete(id);
      pending.done(error, null);
    }
  }
}
