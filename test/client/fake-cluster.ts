/**
 * Nodes that share one state machine, on the simulated network: a cluster whose consensus never has anything to decide.
 * Each can be told to behave badly towards clients.
 */
import type { ErrorCode } from "../../src/base/errors.ts";
import { ClientCore } from "../../src/client/core/client-core.ts";
import type { ClientCoreOptions } from "../../src/client/core/core-options.ts";
import { KvClient } from "../../src/client/kv-client.ts";
import {
  buildEntry,
  GroupWriter,
  KvState,
  NO_SESSION,
  RANGE_PAGE,
  rulesFor,
} from "../../src/store/index.ts";
import { NEWEST_RULES } from "../../src/store/operations/index.ts";
import { acceptWithHandshake } from "../../src/links/handshake/handshake-connection.ts";
import type { Connection, ConnectionHandlers, Listener } from "../../src/machine/ports/network.ts";
import { Readable } from "../../src/replica/reads/readable.ts";
import { SimClock } from "../../src/proof/simulator/sim-clock.ts";
import { SimNetwork, type PathFaults } from "../../src/proof/simulator/sim-network.ts";
import {
  AnswerWriter,
  decodeClientFrame,
  type WatchRequest,
} from "../../src/protocol/client/client.ts";
import { seededRandom } from "../conformance/seeded-random.ts";
import {
  answerReads,
  refuseReads,
  type ReadableState,
} from "../../src/replica/turn/answer-reads.ts";

export type Behaviour =
  | { readonly kind: "serve" }
  /** Refuses writes and reads without having done anything. */
  | { readonly kind: "refuse"; readonly code: ErrorCode }
  /** Takes frames and says nothing. */
  | { readonly kind: "ignore" }
  /** Carries writes out, and ends the connection instead of answering. */
  | { readonly kind: "applyAndDie" }
  /** Carries writes out and says nothing. */
  | { readonly kind: "applySilently" }
  | { readonly kind: "garbage" };

export const SERVE: Behaviour = { kind: "serve" };

export class FakeCluster {
  readonly clock = new SimClock();
  readonly network: SimNetwork;
  readonly state = new KvState();
  readonly nodes: readonly FakeNode[];
  /** Of entries, that all nodes know. */
  rules: number = NEWEST_RULES;
  readonly #seed: number;

  constructor(size = 3, path: Partial<PathFaults> = {}, seed = 1) {
    this.#seed = seed;
    this.network = new SimNetwork({
      clock: this.clock,
      random: seededRandom(seed),
      path: { delayMinMs: 1, delayMaxMs: 1, breakPermille: 0, cut: "none", ...path },
    });
    this.nodes = Array.from({ length: size }, (_, i) => new FakeNode(this, i + 1));
    for (const node of this.nodes) node.start();
    this.clock.run(1);
  }

  node(id: number): FakeNode {
    return this.nodes[id - 1]!;
  }

  #options(options: Partial<ClientCoreOptions>): ClientCoreOptions {
    return {
      nodes: this.nodes.map(({ id, address }) => ({ id, ...address })),
      clock: this.clock,
      random: seededRandom(this.#seed + 1),
      network: this.network.host("client"),
      ...options,
    };
  }

  core(options: Partial<ClientCoreOptions> = {}): ClientCore {
    return new ClientCore(this.#options(options));
  }

  client(options: Partial<ClientCoreOptions> = {}): KvClient {
    return new KvClient(this.#options(options));
  }

  /** As by a node's command. */
  compact(compactRevision: number): void {
    const writer = new GroupWriter();
    writer.add(1, { kind: "compact", compactRevision });
    this.apply(writer.take(NO_SESSION, 0));
  }

  /** Writes straight into the log, as some other client would. */
  apply(group: Uint8Array, answers?: AnswerWriter, state = this.state): void {
    const rules = rulesFor([group], this.rules);
    const entry = buildEntry({ node: 1, nonce: 1, batch: 1 }, [group], rules);
    state.apply(entry, state.appliedIdx, {
      beginGroup: () => {},
      answer: (...answer) => answers?.write(...answer),
      opened: (...answer) => answers?.opened(...answer, state.origin),
    });
  }
}

export class FakeNode {
  readonly id: number;
  readonly host: string;
  readonly address: { readonly host: string; readonly port: number };
  behaviour: Behaviour = SERVE;
  secret: string | null = null;
  /** Another cluster's, if it is one of that. */
  state: KvState;
  clusterId = "test";
  /** From when it has read its state to when the answer leaves. */
  answerDelayMs = 0;
  /** As version 0.1: it says nothing of its log. */
  isOfFirstVersion = false;
  /** Frames of either kind, in order of arrival. */
  readonly frames: ("writes" | "reads" | "local" | "watches")[] = [];
  /** What local reads wanted the node to have applied. */
  readonly minIdxs: number[] = [];
  /** What is read here. Default: the state. */
  readable: ReadableState = new Readable(() => this.state, RANGE_PAGE);
  /** Who serves watches here. Default: nobody answers. */
  watches:
    ((requests: readonly WatchRequest[], connection: Connection, node: FakeNode) => void) | null =
    null;
  readonly #cluster: FakeCluster;
  #listener: Listener | null = null;
  readonly #connections = new Set<Connection>();

  constructor(cluster: FakeCluster, id: number) {
    this.#cluster = cluster;
    this.state = cluster.state;
    this.id = id;
    this.host = `node${id}`;
    this.address = { host: this.host, port: 4100 + id };
  }

  start(): void {
    const { clock, network } = this.#cluster;
    network.host(this.host).listen(
      this.address,
      ["client"],
      (connection) =>
        acceptWithHandshake(connection, {
          clock,
          random: seededRandom(this.id + 100),
          timeoutMs: 1000,
          handshake: {
            secret: this.secret,
            session: 1,
            self: {
              channel: "client",
              clusterId: this.clusterId,
              nodeId: this.id,
              targetId: null,
              incarnation: null,
              origin: this.isOfFirstVersion ? null : this.state.origin,
              configurationId: 1,
              peer: null,
            },
          },
          established: (open) => this.#serve(open),
          failed: () => {},
        }),
      (result) => {
        if (result instanceof Error) throw result;
        this.#listener = result;
      },
    );
  }

  /** Its connections end and no new ones are taken. */
  stop(): void {
    this.#listener?.close(() => {});
    this.#listener = null;
  }

  dropConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #serve(connection: Connection): ConnectionHandlers {
    this.#connections.add(connection);
    return {
      onFrame: (frame) => this.#onFrame(connection, frame.slice()),
      onClose: () => this.#connections.delete(connection),
    };
  }

  #onFrame(connection: Connection, frame: Uint8Array): void {
    const decoded = decodeClientFrame(frame);
    this.frames.push(decoded.kind === "reads" && decoded.local ? "local" : decoded.kind);
    if (decoded.kind === "reads" && decoded.local) this.minIdxs.push(decoded.minIdx);
    const { behaviour } = this;
    const answers = new AnswerWriter();
    if (behaviour.kind === "garbage") return connection.send(Uint8Array.of(99, 1, 2));
    if (behaviour.kind === "ignore") return;
    if (decoded.kind === "watches") return this.watches?.(decoded.requests, connection, this);
    if (behaviour.kind === "refuse") {
      if (decoded.kind === "writes") answers.refuseGroup(decoded.group, behaviour.code, "told to");
      else refuseReads(answers, frame, behaviour.code, "told to");
    } else if (decoded.kind === "writes") this.#cluster.apply(decoded.group, answers, this.state);
    else answerReads(answers, frame, this.readable);
    if (behaviour.kind === "applyAndDie") return connection.destroy();
    if (behaviour.kind === "applySilently") return;
    const { answerDelayMs } = this;
    answers.drain(this.state.appliedIdx, (bytes) => {
      if (answerDelayMs === 0) connection.send(bytes);
      else this.#cluster.clock.after(answerDelayMs, () => connection.send(bytes));
    });
  }
}
