/** Local reads of clients that have seen more than this node has, while its disk is full. */
import { expect, test } from "vitest";
import { ERRORS } from "../../src/base/errors.ts";
import { KvState } from "../../src/store/index.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { RouteLoad } from "../../src/replica/requests/route-load.ts";
import {
  AnswerWriter,
  decodeAnswers,
  decodeClientFrame,
  ReadsWriter,
} from "../../src/protocol/client/client.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const WAIT_TICKS = 300;
const FULL = { code: "DISK_FULL", reason: "the disk is full" } as const;

/** A follower that has lost its leader, has applied nothing, and cannot promise anything to the next one. */
class Node {
  readonly answers: string[] = [];
  readonly replica: Replica;
  readonly #route: Route;
  #number = 0;

  constructor() {
    // No election is to come in between.
    const core = { pid: 3, incarnation: 1, electionTickTimeout: 1000 };
    this.replica = new Replica(
      replicaOptions([1, 2, 3], core, { waitTicks: WAIT_TICKS }),
      undefined,
      new KvState(),
    );
    this.#route = {
      id: 1,
      relayed: false,
      answers: new AnswerWriter(),
      load: new RouteLoad(),
      isOpen: () => true,
      deliver: (frame) =>
        decodeAnswers(frame, {
          ...{ appliedIdx: () => {}, write: () => {}, opened: () => {}, refused: () => {} },
          value: () => {},
          missing: (number) => void this.answers.push(`${number} missing`),
          unread: (number, code) => {
            const { definite } = ERRORS[code];
            this.answers.push(`${number} ${code} ${definite ? "definite" : "unsure"}`);
          },
        }),
    };
  }

  /** @param minIdx what its client has seen */
  readLocally(minIdx: number): void {
    const writer = new ReadsWriter();
    writer.read(++this.#number, Buffer.from("key"));
    const frame = writer.take(true, minIdx);
    const decoded = decodeClientFrame(frame);
    if (decoded.kind !== "reads") throw new Error("these are reads");
    this.replica.onReads(this.#route, frame, decoded);
  }

  endTurn(): readonly string[] {
    deliver(this.replica.endTurn(0));
    return this.answers;
  }

  tick(): readonly string[] {
    this.replica.onTick();
    return this.endTurn();
  }
}

test("what cannot be answered is refused at once, definitely; the rest is answered", () => {
  const node = new Node();
  node.replica.refuseWrites(FULL);
  node.readLocally(5);
  node.readLocally(0);
  expect(node.endTurn()).toEqual(["1 DISK_FULL definite", "2 missing"]);
});

test("what waits already when the disk becomes full is refused with the next tick", () => {
  const node = new Node();
  node.readLocally(5);
  expect(node.tick()).toEqual([]);
  node.replica.refuseWrites(FULL);
  expect(node.tick()).toEqual(["1 DISK_FULL definite"]);
});

test("with room on the disk it waits as long as for a quorum", () => {
  const node = new Node();
  node.replica.refuseWrites(FULL);
  node.replica.refuseWrites(null);
  node.readLocally(5);
  for (let tick = 0; tick < WAIT_TICKS; tick++) expect(node.tick()).toEqual([]);
  expect(node.tick()).toEqual(["1 NO_QUORUM definite"]);
});

test("in step with a leader a node with a full disk goes on in memory, so the read waits for it", () => {
  const node = new Node();
  const n = { configId: 1, n: 1, priority: 0, pid: 1 };
  node.replica.onPeerMessage(1, {
    ...{ type: "prepare", n, decidedIdx: 0, acceptedIdx: 0 },
    acceptedRound: { configId: 0, n: 0, priority: 0, pid: 0 },
  });
  node.endTurn();
  node.replica.onPeerMessage(1, {
    ...{ type: "acceptSync", n, seq: { session: 1, counter: 0 }, decidedIdx: 0 },
    logSync: { syncIdx: 0, suffix: [], stopSign: null, snapshot: null },
  });
  node.endTurn();
  expect(node.replica.core.phase).toBe("accept");
  node.replica.refuseWrites(FULL);
  node.readLocally(5);
  expect(node.tick()).toEqual([]);
});
