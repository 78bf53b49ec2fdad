/**
 * A client that keeps to no rule but that of the frames: it names the sessions of others as well as it can guess, sends other
 * commands under numbers it has used, opens more sessions than it may, and never says that it has seen an answer. It may hurt no
 * client but itself: the checks of all others go on as ever. Its writes go to keys of its own.
 */
import { assert, ERRORS, SESSION_NONCE_BYTES } from "../../base/index.ts";
import { NodeLink } from "../../client/core/index.ts";
import type { NodeAddress } from "../../client/terms/index.ts";
import { GroupWriter, NO_SESSION, STATUS } from "../../store/index.ts";
import { decodeAnswers, takeWritesFrame } from "../../protocol/client/index.ts";
import type { Coverage } from "./coverage.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import type { SimClock } from "./sim-clock.ts";
import type { SimNetwork } from "./sim-network.ts";

export interface HostileClientOptions {
  readonly index: number;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  readonly coverage: Coverage;
  readonly nodes: readonly NodeAddress[];
}

const PAUSE_MS_MAX = 20;
const HOARDED_AT_ONCE = 30;
/** Where ids begin that are no counter's. */
const HASHED_IDS_START = 2 ** 52;
/** Different commands sent under one number. */
const VARIANTS = 3;
/** A frame opens fewer sessions. */
const OPENINGS = 6;
const encoder = new TextEncoder();

export class HostileClient {
  readonly #options: HostileClientOptions;
  readonly #links: readonly NodeLink[];
  readonly #writer = new GroupWriter();
  readonly #nonce: Uint8Array;
  readonly #own: number[] = [];
  /** How many commands got "ok" under a number of the first session; at most one may. */
  readonly #taken = new Map<number, number>();
  #sequence = 1;
  #stopped = false;

  constructor(options: HostileClientOptions) {
    this.#options = options;
    const { index, clock, network, random } = options;
    this.#nonce = random.bytes(SESSION_NONCE_BYTES);
    const linkOptions = {
      clock: clock.fork(),
      random: random.fork("links"),
      network: network.host(`h${index}`),
      clusterId: null,
      secret: null,
      connectTimeoutMs: 200,
    };
    this.#links = options.nodes.map(
      (node) =>
        new NodeLink(node, "client", linkOptions, {
          onOpen: () => {},
          onFrame: (frame) => this.#onFrame(frame),
          onLost: () => {},
          onUnreachable: () => {},
        }),
    );
  }

  start(): void {
    const { clock, random } = this.#options;
    clock.after((random.uint32() / 2 ** 32) * PAUSE_MS_MAX, () => {
      if (this.#stopped) return;
      this.#act();
      this.start();
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const link of this.#links) link.close();
  }

  #act(): void {
    const { random } = this.#options;
    const link = random.pick(this.#links);
    if (!link.isOpen) return link.open();
    const [first] = this.#own;
    switch (random.below(4)) {
      case 0:
        return this.#open(link, random.chance(0.7) ? 1 : OPENINGS);
      case 1:
        return this.#forge(link);
      case 2:
        return first === undefined ? this.#open(link, 1) : this.#contradict(link, first);
      default:
        return first === undefined
          ? this.#open(link, 1)
          : this.#hoard(link, random.pick(this.#own));
    }
  }

  /** Always with the same nonce: each opens a session of its own. */
  #open(link: NodeLink, count: number): void {
    for (let i = 0; i < count; i++)
      this.#writer.add(0, { kind: "openSession", nonce: this.#nonce });
    this.#send(link, NO_SESSION, 0);
  }

  /** Uses up the numbers of sessions that others may have, under all ids that it can guess. */
  #forge(link: NodeLink): void {
    const { random } = this.#options;
    const [own = HASHED_IDS_START] = this.#own;
    const id = random.pick([
      random.between(1, 8),
      own + random.between(1, 3),
      HASHED_IDS_START + random.below(30) * 4096,
      HASHED_IDS_START + random.uint32() * 2 ** 20,
    ]);
    if (this.#own.includes(id)) return;
    for (let sequence = 1; sequence <= 40; sequence++) this.#writer.add(sequence, { kind: "noop" });
    this.#send(link, id, random.pick([0, 20]));
  }

  /** Different commands under one number: only the first to arrive is carried out. */
  #contradict(link: NodeLink, session: number): void {
    const sequence = this.#sequence++;
    for (let variant = 0; variant < VARIANTS; variant++) {
      const key = encoder.encode(`hostile ${this.#options.index} ${variant}`);
      const value = encoder.encode(`${sequence} ${variant}`);
      this.#writer.add(sequence, { kind: "write", key, value });
    }
    this.#send(link, session, 0);
  }

  #hoard(link: NodeLink, session: number): void {
    // Above those that `contradict` uses.
    const from = 2000 + this.#options.random.below(1000);
    for (let i = 0; i < HOARDED_AT_ONCE; i++) {
      this.#writer.add(from + i, { kind: "delete", key: encoder.encode("no such key") });
    }
    this.#send(link, session, 0);
  }

  #send(link: NodeLink, session: number, floor: number): void {
    link.send(takeWritesFrame(this.#writer, session, floor));
  }

  #onFrame(frame: Uint8Array): void {
    decodeAnswers(frame, {
      appliedIdx: () => {},
      opened: (_sequence, _nonce, session) => {
        this.#own.push(session);
        this.#options.coverage.hit("hostile: session opened");
      },
      write: (session, sequence, status) => this.#onAnswer(session, sequence, status),
      refused: (_session, _first, _count, code) =>
        this.#options.coverage.hit(`hostile: refused with ${code}`),
      value: () => {},
      missing: () => {},
      unread: () => {},
    });
  }

  #onAnswer(session: number, sequence: number, status: number): void {
    const { coverage, index } = this.#options;
    assert(
      this.#own.includes(session) || status === ERRORS.SESSION_EXPIRED.wire,
      `hostile client ${index} acts in a session that is not its own: ${session}`,
    );
    if (status === ERRORS.BAD_REQUEST.wire) coverage.hit("hostile: another command refused");
    if (session !== this.#own[0] || status !== STATUS.ok) return;
    const taken = (this.#taken.get(sequence) ?? 0) + 1;
    this.#taken.set(sequence, taken);
    assert(taken <= 1, `different commands under number ${sequence} were answered "ok"`);
  }
}
