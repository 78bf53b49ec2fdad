/**
 * The invariants that must hold when all faults have ended. Only nodes that run count: a node that has said that it cannot go on, and
 * was left so, serves no client; and without a majority no node does.
 */
import { assert, InvariantError } from "../../base/index.ts";
import { textOf } from "../../store/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { Node } from "../../server/node/index.ts";
import { checkHistory } from "./checker-view.ts";
import { checkAccess } from "./access-check.ts";
import { NaiveAccess } from "./access-model.ts";
import { checkSettings, checkToldSettings } from "./settings-check.ts";
import { DecidedLog } from "./decided-log.ts";
import { checkKeyReads } from "./key-check.ts";
import { checkLeases, checkLeasesAt } from "./lease-check.ts";
import { LEASE_TTL_MAX } from "./lease-holder.ts";
import { checkAgainstLog } from "./log-check.ts";
import { checkNodeHistory, checkRanges, checkRefusals } from "./range-check.ts";
import { checkStates } from "./state-check.ts";
import { checkAnswers } from "./store-view.ts";
import { checkTransactions } from "./txn-check.ts";
import { checkWatches } from "./watch-check.ts";
import { checkWatchRights, mayWatch } from "./watch-rights-check.ts";
import type { MistakeInjector } from "./mistake-injector.ts";
import type { SimClient } from "./sim-client.ts";
import type { SimWorld } from "./sim-world.ts";

export type Phase = "faults" | "liveness" | "convergence" | "history";

/** Within so long after the last fault everything must work again, after any faults. */
const LIVENESS_MS = 15_000;
/** In so many election time-outs all nodes meet that can, and say what they have against each other. */
const MEETING_TIMEOUTS = 15;

interface Running {
  readonly index: number;
  readonly replica: Replica;
}

/** @throws InvariantError with what is wrong */
export function judge(
  world: SimWorld,
  mistakes: MistakeInjector,
  enter: (phase: Phase) => void,
): void {
  enter("liveness");
  if (world.trust.isTouched) settle(world, mistakes);
  if (world.trust.beyond !== null) return judgeBeyond(world, enter);
  const { phase, text } = troubleIn(world, enter) ?? {};
  assert(phase === undefined, text ?? "");
}

interface Trouble {
  readonly phase: Phase;
  readonly text: string;
}

/** The nodes must have noticed the breakage wherever two that run could tell. */
function judgeBeyond(world: SimWorld, enter: (phase: Phase) => void): void {
  const { trust, safety, coverage } = world;
  const noticed = (): boolean => trust.isNoticedBeyond;
  if (noticed()) return coverage.hit("beyond: noticed");
  const trouble = troubleIn(world, enter);
  if (noticed()) return coverage.hit("beyond: noticed late");
  const difference = safety.differenceOf(running(world).map(({ index }) => index));
  assert(difference === null, `${difference}, and nobody has noticed: ${trust.beyond}`);
  const isStuck = trouble !== null && trouble.phase !== "history";
  const isSaid = !isStuck || trust.isToldToClients;
  assert(isSaid, `${trouble?.text}, and nobody has said why: ${trust.beyond}`);
  const isLost = trouble !== null || safety.broken.length > 0;
  coverage.hit(isLost ? "beyond: lost, and nothing left to tell it by" : "beyond: nothing lost");
}

/** All nodes meet each other, and operators do what the nodes tell them. */
function settle(world: SimWorld, mistakes: MistakeInjector): void {
  const { trust, plan } = world;
  for (;;) {
    const before = trust.notices.length;
    assert(
      world.runUntil(() => mistakes.isIdle, LIVENESS_MS),
      "operators come to an end",
    );
    world.run(MEETING_TIMEOUTS * plan.electionTimeoutMs);
    if (trust.notices.length === before && mistakes.isIdle) return;
  }
}

function running({ nodes }: SimWorld): readonly Running[] {
  return nodes.flatMap(({ index, node }) =>
    node === null ? [] : [{ index, replica: node.replica }],
  );
}

function troubleIn(world: SimWorld, enter: (phase: Phase) => void): Trouble | null {
  const liveness = (text: string): Trouble => ({ phase: "liveness", text });
  for (const client of world.clients) client.stopAsking();
  for (const hostile of world.hostiles) hostile.stop();
  for (const reader of world.rangeReaders) reader.stop();
  for (const reader of world.keyReaders) reader.stop();
  for (const transactor of world.transactors) transactor.stop();
  for (const client of world.limited) client.stop();
  for (const watcher of world.watchers) watcher.settle();
  if (!world.runUntil(() => world.clients.every((client) => client.isIdle), LIVENESS_MS)) {
    return liveness(`not every client was answered${IN_TIME}`);
  }
  const majority = Math.floor(world.nodes.length / 2) + 1;
  const voters = (): readonly Running[] =>
    running(world).filter(({ replica }) => replica.joining === null);
  let serving = voters();
  const hasMajority = serving.length >= majority;
  if (hasMajority) {
    const all = running(world).length;
    // A node that is to take a lost disk's place needs so many others.
    const needed = world.nodes.length - majority + 1;
    if (serving.length >= needed && !world.runUntil(() => voters().length >= all, LIVENESS_MS)) {
      return liveness(`an empty disk has not taken its place${IN_TIME}`);
    }
    serving = voters();
    const trouble = recover(world, serving);
    if (trouble !== null) return liveness(trouble);
    const unserved = serveAll(world, serving);
    if (unserved !== null) return liveness(unserved);
    const late = endLeases(world, voters());
    if (late !== null) return liveness(late);
    enter("convergence");
    // A process that was about to stop when the faults ended has a successor by now.
    serving = voters();
    const unrest = comeToRest(world, serving);
    if (unrest !== null) return unrest;
  } else world.coverage.hit("no majority is left");
  for (const watcher of world.watchers) watcher.stop();
  if (hasMajority && world.trust.beyond === null) {
    const left = letGo(world) ?? converge(world, serving);
    if (left !== null) return { phase: "convergence", text: left };
  }
  enter("history");
  try {
    judgeHistory(world, hasMajority ? serving : []);
    return null;
  } catch (error) {
    if (error instanceof InvariantError) return { phase: "history", text: error.message };
    throw error;
  }
}

/** Nothing is decided any more: a request that was under way when its client stopped may be, while watchers are told of the others. */
function comeToRest(world: SimWorld, serving: readonly Running[]): Trouble | null {
  for (;;) {
    const apart = converge(world, serving);
    if (apart !== null) return { phase: "convergence", text: apart };
    const { length } = world.safety.decided;
    const untold = tellWatchers(world);
    if (untold !== null) return { phase: "liveness", text: untold };
    if (world.safety.decided.length === length) return null;
  }
}

const PROBE_PAUSE_MS = 20;
const IN_TIME = ` within ${LIVENESS_MS} ms of the last fault`;

/** Each node serves a write and a read. */
function recover(world: SimWorld, serving: readonly Running[]): string | null {
  const start = world.clock.now();
  const newcomers = serving.map(({ index }) =>
    world.newProbe(world.clients.length + index, index + 1),
  );
  const old = world.clients.filter(
    ({ node }) => node === null || serving.some(({ index }) => index + 1 === node),
  );
  const fresh = newcomers.map((client) => probe(world, client));
  const known = old.map((client) => probe(world, client));
  // A client that was told that the data went back is not served any more: its user must start anew.
  const areServed = (): boolean =>
    fresh.every(({ served }) => served) &&
    (world.trust.isToldToClients || known.every(({ served }) => served));
  const served = world.runUntil(areServed, LIVENESS_MS);
  for (const client of newcomers) client.close();
  if (!served) {
    return `not every node, to a new client, and every old client is served a write and a read${IN_TIME}`;
  }
  world.coverage.hit(`healed within ${Math.ceil((world.clock.now() - start) / 1000)} s`);
  return null;
}

/** Every kind of request is served at every node. */
function serveAll(world: SimWorld, serving: readonly Running[]): string | null {
  // A node that is asked may be one whose data went back, and some client has been told so.
  if (world.trust.isToldToClients) return null;
  // Links that broke may not be there again: until then a node that hears no leader refuses what no neighbour can answer in its stead, and
  // one to which no leader sends what is decided refuses local reads of those who have seen more.
  const length = world.trust.beyond === null ? world.safety.decided.length : 0;
  const isFed = ({ index }: Running): boolean => {
    const replica = world.nodes[index]?.node?.replica;
    return (
      replica === undefined ||
      (replica.standing().kind !== "cutOff" && replica.appliedIdx >= length)
    );
  };
  if (!world.runUntil(() => serving.every(isFed), LIVENESS_MS)) {
    return `not every node hears a leader and what it decides${IN_TIME}`;
  }
  const clients = serving.map(({ index }) => world.newAllKinds(index));
  for (const client of clients) client.start();
  world.runUntil(() => clients.every(({ isOver }) => isOver), LIVENESS_MS);
  const troubles = clients.flatMap(({ trouble }) => (trouble === null ? [] : [trouble]));
  for (const client of clients) client.close();
  if (troubles.length > 0) return `not served though all is healed: ${troubles.join("; ")}`;
  world.coverage.hit("every kind of request served");
  return null;
}

/** A write and a read, repeated until they are served. */
function probe(world: SimWorld, client: SimClient): { readonly served: boolean } {
  const result = { served: false };
  const key = "k0";
  // A client that knows better answers by itself, in no time.
  const again = (ask: () => void): void => {
    if (world.trust.isToldToClients) world.clock.after(PROBE_PAUSE_MS, ask);
    else ask();
  };
  const read = (): void =>
    client.submit({ kind: "read", key, local: false }, ({ outcome }) => {
      if (outcome.kind === "refused") again(read);
      else result.served = true;
    });
  let attempt = 0;
  const write = (): void =>
    client.submit(
      { kind: "write", key, value: `${client.host} probes ${attempt++}` },
      ({ outcome }) => {
        if (outcome.kind === "written") read();
        else again(write);
      },
    );
  write();
  return result;
}

/** As slow as clocks are, and what the last steps take. */
const LEASE_LATE_MS = 1500;
const CLOCKS_SLOW = 0.9;

/** A lease that no client renews ends in time: in the log, of which a node that is cut off may still lack a part. */
function endLeases(world: SimWorld, serving: readonly Running[]): string | null {
  if (world.leaseHolders.length === 0) return null;
  for (const holder of world.leaseHolders) holder.stop();
  const newest = (): number => Math.max(...serving.map(({ replica }) => replica.appliedIdx));
  const areOver = (): boolean =>
    serving.some(
      ({ replica }) => replica.appliedIdx === newest() && replica.state.leases.size === 0,
    );
  const withinMs = LEASE_TTL_MAX / CLOCKS_SLOW + LEASE_LATE_MS;
  if (!world.runUntil(areOver, withinMs))
    return `leases live on that nobody renews: ${withinMs} ms`;
  world.coverage.hit("lease: all ended in time");
  return null;
}

/** Every watcher is told of all events. */
function tellWatchers(world: SimWorld): string | null {
  // A watch goes on where the data have gone back: that is for its client to notice.
  if (world.trust.isToldToClients || world.watchers.length === 0) return null;
  const revision = Math.max(...running(world).map(({ replica }) => replica.state.revision));
  const rights = presentRights(world);
  const areLevel = (): boolean =>
    world.watchers.every((watcher) => {
      const { user } = watcher;
      if (user === null) return watcher.isLevel(revision);
      const access = rights();
      return watcher.isLevel(revision, (wish) => mayWatch(access, user, wish));
    });
  if (!world.runUntil(areLevel, LIVENESS_MS)) return `not every watch was told of all${IN_TIME}`;
  world.coverage.hit("watch: told of all in the end");
  return null;
}

/** When the last client has gone, nodes forget all that they held for clients: else they would hold more from day to day. */
function letGo(world: SimWorld): string | null {
  for (const client of world.clients) client.close();
  const held = (): readonly string[] =>
    world.nodes.flatMap(({ index, node }) => (node === null ? [] : heldBy(index, node)));
  if (world.runUntil(() => held().length === 0, LIVENESS_MS)) return null;
  return `no client is there any more, and ${held().join(", ")}`;
}

function heldBy(index: number, node: Node): readonly string[] {
  const { waiting, watches } = node.replica;
  const { clients } = node.status();
  const counts = { clients, watches: watches.watches, ...waiting };
  return Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `node ${index} has ${name}: ${count}`);
}

/** All replicas come to the same index with the same state. */
function converge(world: SimWorld, serving: readonly Running[]): string | null {
  if (running(world).length !== serving.length) return "not all nodes that run take part";
  if (!world.trust.isTouched && serving.length !== world.nodes.length) return "not all nodes run";
  const decided = (): number =>
    world.trust.beyond === null
      ? world.safety.decided.length
      : Math.max(...serving.map(({ replica }) => replica.core.decidedIdx));
  const level = (): boolean =>
    serving.every(
      ({ replica }) =>
        replica.appliedIdx === serving[0]?.replica.appliedIdx && replica.appliedIdx >= decided(),
    );
  if (!world.runUntil(level, LIVENESS_MS)) {
    const indexes = serving.map(({ replica }) => replica.appliedIdx).join(", ");
    return `the nodes do not come level: applied ${indexes}`;
  }
  const hashes = new Set(serving.map(({ replica }) => replica.state.hash()));
  return hashes.size === 1 ? null : `states differ at one index: ${[...hashes].join(", ")}`;
}

/** Of users, by all that is decided: a change that was asked for before may be decided meanwhile. */
function presentRights(world: SimWorld): () => NaiveAccess {
  let length = -1;
  let access = new NaiveAccess();
  return () => {
    const { decided } = world.safety;
    if (decided.length === length) return access;
    length = decided.length;
    access = new DecidedLog(decidedEntries(world)).access.at(-1) ?? access;
    return access;
  };
}

function decidedEntries({ safety }: SimWorld): readonly Uint8Array[] {
  return safety.decided.filter((entry) => entry !== undefined);
}

/** @throws InvariantError */
function judgeHistory(world: SimWorld, level: readonly Running[]): void {
  const { history, safety } = world;
  const entries = decidedEntries(world);
  assert(entries.length === safety.decided.length, "somebody decided every index");
  const log = new DecidedLog(entries);
  checkSettings(entries);
  checkToldSettings(history.settings, log);
  checkHistory(history.operations, world.coverage);
  checkAnswers(history, world.coverage);
  checkAgainstLog(history.operations, log);
  checkRanges(history.ranges, history.operations, log);
  checkRefusals(history.refusedRanges, history.operations, log);
  checkKeyReads(history.keyReads, history.operations, log);
  checkTransactions(history.txns, history.operations, log);
  checkAccess(history, log);
  const told = world.leaseHolders.flatMap(({ records }) => records);
  checkLeasesAt(safety.leasesAt, log.leases);
  if (log.leases.all.some(({ ended }) => ended?.by === "keys")) {
    world.coverage.hit("lease: ended with its last key");
  }
  checkLeases(told, log.leases, world.decidedMs, Math.max(1, ...world.plan.skews));
  const { revision, oldests } = log;
  const watched = { revision, oldests, events: log.events() };
  for (const { records, user } of world.watchers) {
    checkWatches(records, watched);
    if (user !== null) checkWatchRights(user, records, log);
  }
  const content = log.content();
  const stated = level.map(({ index, replica: { state } }) => ({ index, state }));
  checkStates(stated, world.trust.beyond === null ? entries : null);
  for (const { index, replica } of level) {
    checkNodeHistory(index, replica.state, log);
    const cells = replica.state.readRange({ limit: 1000 });
    assert(
      cells.length === content.size,
      `node ${index} holds ${cells.length} keys, not ${content.size}`,
    );
    for (const cell of cells) {
      const key = textOf(cell.key);
      const known = content.get(key);
      const same = known?.value === textOf(cell.value) && known.revision === cell.modRevision;
      assert(same, `node ${index} holds another value of ${key} than the log gives`);
    }
  }
}
