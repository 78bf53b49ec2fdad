/** Looks at the nodes again and again, and keeps what changed. */
import type { Clock } from "../../machine/ports/index.ts";
import type { NodeId } from "../../client/scenarios/index.ts";
import { leaderOf, type NodeLook, type Subject } from "./subject.ts";

/** From `atMs` until the node's next one. */
export interface SeenLook extends NodeLook {
  readonly atMs: number;
}

/** A node was first seen to lead with this term. */
export interface SeenLeader {
  readonly atMs: number;
  readonly node: NodeId;
  readonly term: string;
}

export class Observer {
  readonly #subject: Subject;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #last = new Map<NodeId, SeenLook>();
  readonly #terms = new Set<string>();
  readonly looks: SeenLook[] = [];
  readonly leaders: SeenLeader[] = [];
  #stopped = false;
  #running: Promise<void> | null = null;
  #failure: unknown = null;

  constructor(subject: Subject, everyMs: number, clock: Clock) {
    this.#subject = subject;
    this.#everyMs = everyMs;
    this.#clock = clock;
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      this.#failure = error;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** As last seen. @throws what made looking impossible */
  get now(): readonly NodeLook[] {
    if (this.#failure !== null) throw this.#failure;
    return [...this.#last.values()];
  }

  get leader(): NodeId | null {
    return leaderOf(this.now)?.node ?? null;
  }

  /** The leader that all nodes follow; null: they are not of one mind. */
  get agreed(): NodeId | null {
    const looks = this.now;
    const leader = leaderOf(looks);
    if (leader === null || looks.length < this.#subject.nodes.length) return null;
    const agree = looks.every(
      (look) =>
        look.term?.order === leader.term?.order &&
        (look.node === leader.node || look.standing === "following"),
    );
    return agree ? leader.node : null;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#note(await this.#subject.look());
      await new Promise<void>((wake) => {
        this.#clock.after(this.#everyMs, wake);
      });
    }
  }

  #note(looks: readonly NodeLook[]): void {
    const atMs = this.#clock.now();
    for (const look of looks) {
      const last = this.#last.get(look.node);
      if (last?.standing === look.standing && last.term?.order === look.term?.order) continue;
      const seen = { ...look, atMs };
      this.#last.set(look.node, seen);
      this.looks.push(seen);
    }
    const leader = leaderOf(looks);
    if (leader?.term == null || this.#terms.has(leader.term.text)) return;
    this.#terms.add(leader.term.text);
    this.leaders.push({ atMs, node: leader.node, term: leader.term.text });
  }
}
