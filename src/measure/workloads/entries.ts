/** Entries of a log as nodes make them, without nodes: for what is measured of the state machine alone. */
import {
  buildEntry,
  GroupWriter,
  NO_SESSION,
  type AnswerSink,
  type KvState,
} from "../../store/index.ts";

const COMMANDS_PER_GROUP = 64;
const GROUPS_PER_ENTRY = 4;
const SESSIONS = 64;

export const NO_ANSWERS: AnswerSink = { beginGroup: () => {}, answer: () => {}, opened: () => {} };

export class EntryMaker {
  readonly #writer = new GroupWriter();
  readonly #sessions: { readonly id: number; next: number }[] = [];
  #nextSession = 0;
  #batch = 0;

  /** Opens its sessions in this state, which is the only one that the entries are for. */
  constructor(state: KvState) {
    for (let i = 0; i < SESSIONS; i++) {
      const nonce = new Uint8Array(16).fill(i);
      this.#writer.add(i, { kind: "openSession", nonce });
    }
    const entry = this.#entry([this.#writer.take(NO_SESSION, 0)]);
    const opened = (_sequence: number, _nonce: unknown, id: number): void => {
      this.#sessions.push({ id, next: 1 });
    };
    state.apply(entry, state.appliedIdx, { ...NO_ANSWERS, opened });
  }

  /** Entries of `count` writes. */
  *writes(
    count: number,
    key: (i: number) => Uint8Array,
    value: Uint8Array,
  ): Generator<Uint8Array, void> {
    for (let i = 0; i < count;) {
      const groups: Uint8Array[] = [];
      for (let g = 0; g < GROUPS_PER_ENTRY && i < count; g++) {
        const session = this.#sessions[this.#nextSession++ % SESSIONS];
        if (session === undefined) throw new Error("no session was opened");
        const first = session.next;
        for (let c = 0; c < COMMANDS_PER_GROUP && i < count; c++, i++) {
          this.#writer.add(session.next++, { kind: "write", key: key(i), value });
        }
        groups.push(this.#writer.take(session.id, first));
      }
      yield this.#entry(groups);
    }
  }

  #entry(groups: readonly Uint8Array[]): Uint8Array {
    return buildEntry({ node: 1, nonce: 1, batch: this.#batch++ }, groups);
  }
}
