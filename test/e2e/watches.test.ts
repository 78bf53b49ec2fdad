/** A watch over real sockets, moved from node to node while servers are killed and frozen: nothing is missed, nothing told twice. */
import { afterEach, expect, test } from "vitest";
import { NodeLink } from "../../src/client/core/node-link.ts";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { createNodeRandom } from "../../src/machine/runtime/node-random.ts";
import { WsNetwork } from "../../src/machine/network/ws-network.ts";
import { WatchNotes, nextOf } from "../../src/proof/simulator/watch-notes.ts";
import type { WatchedWish, WatchRecord } from "../../src/proof/simulator/watch-check.ts";
import { isFeedFrame, watchesFrame } from "../../src/protocol/client/client.ts";
import { eventually, TestCluster, type NodeInfo } from "./cluster.ts";

const WISH: WatchedWish = {
  start: "w",
  end: "x",
  from: 1,
  previous: true,
  puts: true,
  deletes: true,
};
const encoder = new TextEncoder();

let cluster: TestCluster;
let watcher: MovingWatch | null = null;
afterEach(async () => {
  watcher?.close();
  await cluster.dispose();
});

/** Goes on at the next node when the one it is at is gone or says nothing for three intervals. */
class MovingWatch {
  readonly records: WatchRecord[] = [];
  readonly saidNoLeader: boolean[] = [];
  readonly #nodes: readonly NodeInfo[];
  #link: NodeLink | null = null;
  #place = -1;
  #heardMs = 0;
  #intervalMs = 2000;
  #next: number | null = WISH.from;
  readonly #timer = setInterval(() => this.#look(), 50);

  constructor(nodes: readonly NodeInfo[]) {
    this.#nodes = nodes;
    this.move();
  }

  get node(): number {
    return this.#nodes[this.#place]!.id;
  }

  get next(): number {
    const record = this.records.at(-1);
    return (record === undefined ? null : nextOf(record)) ?? this.#next ?? 0;
  }

  move(): void {
    this.#link?.close();
    this.#next = this.next;
    this.#place = (this.#place + 1) % this.#nodes.length;
    this.#heardMs = Date.now();
    const notes = new WatchNotes();
    const { host, port, id } = this.#nodes[this.#place]!;
    const options = {
      clock: nodeClock,
      random: createNodeRandom(),
      network: new WsNetwork(),
      ...{ clusterId: null, secret: null, connectTimeoutMs: 2000 },
    };
    const link = new NodeLink({ host, port, id }, "client", options, {
      onOpen: () => {
        const from = this.#next;
        this.records.push(notes.asked(1, `node ${id}`, { ...WISH, from }));
        const [start, end] = [encoder.encode(WISH.start), encoder.encode(WISH.end!)];
        const wish = { ...WISH, from, start, end, notices: true };
        link.send(watchesFrame([{ kind: "create", watch: 1, wish }]));
      },
      onFrame: (frame) => {
        this.#heardMs = Date.now();
        if (!isFeedFrame(frame)) return;
        notes.frame(frame);
        this.saidNoLeader.push(!notes.hearsLeader);
      },
      onLost: () => this.move(),
      onUnreachable: () => setTimeout(() => this.#link === link && this.move(), 100),
    });
    this.#link = link;
    link.open();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#link?.close();
    this.#link = null;
  }

  #look(): void {
    if (Date.now() - this.#heardMs > 3 * this.#intervalMs) this.move();
  }
}

test("a watch goes through kills and freezes of its nodes", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  const client = cluster.client({ timeoutMs: 30_000 });
  const written: { revision: number; key: string; value: string }[] = [];
  let isOver = false;
  const writing = (async () => {
    for (let i = 0; !isOver; i++) {
      const [key, value] = [`w${i % 7}`, `value ${i}`];
      const { revision } = await client.write(key, value);
      written.push({ revision, key, value });
      await new Promise((wake) => setTimeout(wake, 2));
    }
  })();
  const watch = new MovingWatch(cluster.nodes);
  watcher = watch;
  const goesOn = async (what: string): Promise<void> => {
    const before = written.at(-1)?.revision ?? 0;
    await eventually(what, () => watch.next > before + 20);
  };
  await goesOn("the watch is fed");
  const killed = watch.node;
  await cluster.kill(killed);
  await goesOn("the watch goes on when its node was killed");
  await cluster.start(killed);
  const frozen = watch.node;
  cluster.signal(frozen, "SIGSTOP");
  await eventually("the watch leaves a node that is frozen", () => watch.node !== frozen);
  cluster.signal(frozen, "SIGCONT");
  await goesOn("the watch goes on when its node was frozen");
  watch.move();
  await goesOn("the watch goes on when it was moved");
  isOver = true;
  await writing;
  const last = written.at(-1)!.revision;
  await eventually("everything was told", () => watch.next > last);
  const told = watch.records.flatMap(({ items }) =>
    items.flatMap((item) =>
      item.kind === "events"
        ? item.events.map(({ key, put }) => ({
            revision: item.revision,
            key,
            value: put?.value ?? null,
          }))
        : [],
    ),
  );
  expect(told).toEqual(written);
}, 240_000);

test("a node that is left alone says so, and says when it is not any more", async () => {
  cluster = await TestCluster.create(3);
  await cluster.startAll();
  await cluster.client().write("w", "1");
  const watch = new MovingWatch(cluster.nodes);
  watcher = watch;
  await eventually("the watch is fed", () => watch.next > 1);
  const others = cluster.nodes.filter(({ id }) => id !== watch.node);
  for (const { id } of others) await cluster.kill(id);
  const start = Date.now();
  await eventually("the node says that it hears no leader", () => watch.saidNoLeader.at(-1));
  expect(Date.now() - start).toBeLessThan(2000);
  for (const { id } of others) await cluster.start(id);
  await eventually("the node says that it hears one", () => watch.saidNoLeader.at(-1) === false);
  expect(watch.records).toHaveLength(1);
}, 240_000);
