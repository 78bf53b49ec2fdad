/** A hub with two clients, on a state to which entries are applied one after the other. */
import { assert } from "../../src/base/assert.ts";
import {
  encodeAccessChange,
  encodeTxn,
  KvState,
  SECRET_HOLDER,
  withActor,
  type AccessChange,
  type Actor,
  type TxnOp,
} from "../../src/store/index.ts";
import { WatchHub } from "../../src/replica/watches/watch-hub.ts";
import { DEFAULT_WATCH_LIMITS, type WatchLimits } from "../../src/replica/watches/watch-limits.ts";
import type { WatchRoute } from "../../src/replica/watches/watch.ts";
import { DecidedLog } from "../../src/proof/simulator/decided-log.ts";
import {
  checkWatches,
  type WatchedWish,
  type WatchRecord,
} from "../../src/proof/simulator/watch-check.ts";
import { WatchNotes } from "../../src/proof/simulator/watch-notes.ts";
import {
  decodeClientFrame,
  watchesFrame,
  type WatchRequest,
} from "../../src/protocol/client/client.ts";
import {
  bytes,
  entryOf,
  fromSnapshot,
  groupBytes,
  open,
  snapshotBytes,
  type Command,
} from "../store/helpers.ts";
import { buildEntry, GroupWriter, NO_SESSION } from "../../src/store/index.ts";
import { NO_SINK } from "../../src/store/entries/command.ts";

export const UNREAD_MAX = 400;
export const WISH: WatchedWish = {
  start: "",
  end: null,
  from: null,
  previous: true,
  puts: true,
  deletes: true,
};

/** A client: what it was sent lies unread until it reads. */
export class Client implements WatchRoute {
  readonly id: number;
  readonly notes = new WatchNotes();
  actor: Actor | null = null;
  onlyWhileOn = false;
  remote = "";
  reads = true;
  #frames: Uint8Array[] = [];
  #next = 1;

  constructor(id: number) {
    this.id = id;
  }

  isOpen(): boolean {
    return true;
  }

  unreadBytes(): number {
    return this.#frames.reduce((sum, { length }) => sum + length, 0);
  }

  tell(frame: Uint8Array): void {
    this.#frames.push(frame);
    if (this.reads) this.read();
  }

  read(): void {
    for (const frame of this.#frames) this.notes.frame(frame);
    this.#frames = [];
  }

  create(hub: WatchHub, wish: WatchedWish): [number, WatchRecord] {
    const number = this.#next++;
    const record = this.notes.asked(number, `${this.id}/${number}`, wish);
    this.ask(hub, { kind: "create", watch: number, wish: wired(wish) });
    return [number, record];
  }

  ask(hub: WatchHub, ...requests: WatchRequest<Uint8Array>[]): void {
    const frame = decodeClientFrame(watchesFrame(requests));
    if (frame.kind !== "watches") throw new Error("another frame");
    assert(hub.request(this, frame.requests, null) === null, "all of it is allowed");
  }
}

export function wired({ start, end, ...rest }: WatchedWish): (WatchRequest<Uint8Array> & {
  kind: "create";
})["wish"] {
  return { ...rest, start: bytes(start), end: end === null ? null : bytes(end), notices: true };
}

export class World {
  state = new KvState();
  readonly entries: Uint8Array[] = [];
  readonly hub: WatchHub;
  readonly clients = [new Client(1), new Client(2)];
  readonly #session: number;
  #sequence = 1;

  constructor(limits: Partial<WatchLimits> = {}) {
    const all = { ...DEFAULT_WATCH_LIMITS, unreadBytes: UNREAD_MAX, ...limits };
    const options = { limits: all, progressTicks: 3, isolatedAfterTicks: 1 };
    this.hub = new WatchHub(options, () => this.state);
    const commands: [number, Command][] = [[1, { op: "openSession", nonce: 1 }]];
    this.#session = open(new KvState(), 1);
    this.#apply(entryOf({ session: NO_SESSION, floor: 0, commands }));
  }

  /** Each an entry of its own; they are all applied in one turn. */
  run(...commands: Command[]): void {
    for (const command of commands) {
      const sequence = this.#sequence++;
      const commands: [number, Command][] = [[sequence, command]];
      this.#apply(entryOf({ session: this.#session, floor: sequence, commands }));
    }
  }

  /** As the holder of the secret, and each in a group of its own: an entry of all of them. */
  asHolder(...all: (Command | AccessChange)[]): void {
    const groups = all.map((one) => {
      if ("kind" in one) return changeGroup(one);
      const sequence = this.#sequence++;
      const commands: [number, Command][] = [[sequence, one]];
      return groupBytes({ session: this.#session, floor: sequence, commands });
    });
    this.#apply(
      buildEntry(
        { node: 1, nonce: 7, batch: 1 },
        groups.map((group) => withActor(group, SECRET_HOLDER)),
      ),
    );
  }

  transact(...success: TxnOp[]): void {
    const writer = new GroupWriter();
    const sequence = this.#sequence++;
    writer.add(sequence, { kind: "txn", txn: encodeTxn({ compare: [], success, failure: [] }) });
    const group = writer.take(this.#session, sequence);
    this.#apply(buildEntry({ node: 1, nonce: 7, batch: 1 }, [group]));
  }

  compact(revision: number): void {
    this.#set({ kind: "compact", compactRevision: revision });
  }

  boundHistory(historyBytes: number): void {
    this.#set({ kind: "setHistory", historyRevisions: 0, historyBytes });
  }

  #set(command: Parameters<GroupWriter["add"]>[1]): void {
    const writer = new GroupWriter();
    writer.add(1, command);
    this.#apply(buildEntry({ node: 1, nonce: 7, batch: 1 }, [writer.take(NO_SESSION, 0)]));
  }

  /** As after a snapshot from the leader: another state, that has come further. */
  install(...commands: Command[]): void {
    this.#install(commands, null);
  }

  /** The same, where the changes up to a revision are not kept any more. */
  installCompacted(revision: number, ...commands: Command[]): void {
    this.#install(commands, revision);
  }

  #install(commands: readonly Command[], compacted: number | null): void {
    const { hub, state } = this;
    this.#isElsewhere = true;
    this.run(...commands);
    if (compacted !== null) this.compact(compacted);
    this.#isElsewhere = false;
    this.state = fromSnapshot(snapshotBytes(state.clone()));
    hub.applied(true);
  }

  /** @returns whether another one is wanted */
  turn(): boolean {
    const goesOn = this.hub.endTurn(this.state.appliedIdx);
    for (const { route, frame } of this.hub.takeOutgoing()) if (route.isOpen()) route.tell(frame);
    return goesOn;
  }

  /** @returns after how many turns */
  settle(): number {
    for (const client of this.clients) {
      client.reads = true;
      client.read();
    }
    // That there is room is seen in the turn after: in a node that of the next tick.
    let turns = 0;
    for (let idle = 0; idle < 2 || this.hub.stats.behind > 0; turns++) {
      idle = this.turn() ? 0 : idle + 1;
      assert(turns < 10_000, "it comes to an end");
    }
    return turns;
  }

  check(): void {
    const log = new DecidedLog(this.entries);
    for (const { notes } of this.clients) {
      checkWatches(notes.records, {
        revision: log.revision,
        oldests: log.oldests,
        events: log.events(),
      });
    }
  }

  #isElsewhere = false;

  #apply(entry: Uint8Array): void {
    this.entries.push(entry);
    const fed = this.#isElsewhere ? () => {} : () => this.hub.applied(true);
    this.state.apply(entry, this.state.appliedIdx, { ...NO_SINK, compacting: fed });
    fed();
  }
}

function changeGroup(change: AccessChange): Uint8Array {
  const writer = new GroupWriter();
  writer.add(0, { kind: "access", body: encodeAccessChange(change) });
  return writer.take(NO_SESSION, 0);
}
