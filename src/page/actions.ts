/** What the page can do, carried out over the ordinary clients. */
import { KvError, NO_FAULT, type SomeLinkFault } from "../base/index.ts";
import {
  AdminCore,
  applyFaults,
  changeLinks,
  failedText,
  type FaultsOutcome,
  runScenario,
} from "../client/admin/index.ts";
import { KvClient } from "../client/index.ts";
import { bytesOf, type CasCondition, type KeyEntry } from "../client/terms/index.ts";
import type { Clock } from "../machine/ports/index.ts";
import {
  ableToLead,
  leadText,
  Load,
  parseGroups,
  planIsolation,
  planPartition,
  planScenario,
  type Scenario,
} from "../client/scenarios/index.ts";
import type { ClusterStoreOptions } from "./cluster-store.ts";
import { readCoordination, type ShownCoordination } from "./coordination.ts";
import { hexOf, keyLevel, textOf, type AskKeys, type KeyLevel } from "./key-level.ts";
import { followKeys } from "./follow-keys.ts";
import type {
  PageActions,
  ReadMode,
  ShownCommit,
  ShownHistory,
  ShownRead,
  ShownSwap,
  ShownVersion,
  TailNews,
  Through,
} from "./page-actions.ts";
import type { TxnDraft } from "./txn-draft.ts";
import { NO_WAY_IN, type WayIn } from "./way-in.ts";

export interface ActionsOptions extends Omit<ClusterStoreOptions, "isHidden"> {
  readonly leader: () => number | null;
  /** The page signs in this way from now on. */
  readonly onWayIn: (way: WayIn) => void;
  /** Told what the page did to the cluster, in words, when it was done. */
  readonly onDeed: (text: string) => void;
}

/** Nobody looks through more by hand. */
const VERSIONS_SHOWN = 20;
/** After so long a wait the user has seen enough. */
const LOAD_TIMEOUT_MS = 3000;

export class ClusterActions implements PageActions {
  readonly load: Load;
  readonly #options: ActionsOptions;
  readonly #nodes: readonly number[];
  #way: WayIn = NO_WAY_IN;
  #admin: AdminCore;
  #kv: KvClient;

  constructor(options: ActionsOptions) {
    this.#options = options;
    this.#nodes = options.info.nodes.map(({ id }) => id);
    this.#admin = this.#newAdmin();
    this.#kv = this.#newKv();
    this.load = new Load({
      clock: options.clock,
      write: (key, value) => this.#kv.write(key, value, { timeoutMs: LOAD_TIMEOUT_MS }),
    });
  }

  async breakLink(from: number, to: number, direction: "both" | "oneWay"): Promise<void> {
    await this.#atEitherEnd("breakLink", from, to, direction);
  }

  async restoreLink(from: number, to: number, direction: "both" | "oneWay"): Promise<void> {
    const failed = await this.#atEitherEnd("restoreLink", from, to, direction);
    if (failed === null) return;
    const text = `the other end of the link still holds the fault: ${failed.message}`;
    throw new KvError(failed.code, text, { cause: failed });
  }

  async degradeLink(a: number, b: number, fault: SomeLinkFault): Promise<void> {
    const outcome = await changeLinks(this.#admin, [
      { from: a, to: b, ...fault },
      { from: b, to: a, ...fault },
    ]);
    // Each end holds what it sends: without one of them, half of it is missing.
    const [error] = outcome.failed.values();
    if (error !== undefined) throw new KvError(error.code, failedText(outcome), { cause: error });
  }

  async runScenario(name: Parameters<PageActions["runScenario"]>[0]): Promise<string> {
    const leader = this.#options.leader();
    if (leader === null) {
      throw new KvError("NO_QUORUM", "no node leads now: heal all links first, then try again");
    }
    return this.#run(planScenario(name, { nodes: this.#nodes, leader }), leader);
  }

  async isolate(node: number): Promise<string> {
    const leader = this.#options.leader();
    return this.#run(planIsolation(node, this.#nodes, leader), leader);
  }

  async restoreLinksOf(node: number): Promise<string> {
    const changes = this.#nodes
      .filter((peer) => peer !== node)
      .flatMap((peer) => [
        { from: node, to: peer, ...NO_FAULT },
        { from: peer, to: node, ...NO_FAULT },
      ]);
    const outcome = await changeLinks(this.#admin, changes);
    return this.#done("restore", `all links of node ${node} are whole`, outcome);
  }

  async partition(groups: string): Promise<string> {
    const leader = this.#options.leader();
    return this.#run(planPartition(parseGroups(groups), this.#nodes, leader), leader);
  }

  async healAll(): Promise<string> {
    const outcome = await applyFaults(this.#admin, this.#nodes, []);
    return this.#done("heal all", "all links are whole", outcome);
  }

  async read(through: Through, key: string, mode: ReadMode): Promise<ShownRead> {
    const result = await this.#kv.read(key, { ...asked(through), consistency: mode });
    const { node } = result;
    if (!result.found) {
      const nothing = { createRevision: 0, modRevision: 0, version: 0, node };
      return { found: false, text: null, hex: "", ...nothing };
    }
    const { value, createRevision, modRevision, version } = result;
    return { found: true, ...shownOf(value), createRevision, modRevision, version, node };
  }

  async write(
    through: Through,
    key: string,
    value: string,
  ): Promise<{ readonly revision: number; readonly node: number }> {
    const { revision, node } = await this.#kv.write(key, value, asked(through));
    return { revision, node };
  }

  async delete(
    through: Through,
    key: string,
  ): Promise<{ readonly existed: boolean; readonly node: number }> {
    const { existed, node } = await this.#kv.delete(key, asked(through));
    return { existed, node };
  }

  async cas(
    through: Through,
    key: string,
    condition: CasCondition,
    value: string,
  ): Promise<ShownSwap> {
    const result = await this.#kv.cas(key, condition, value, asked(through));
    const { node } = result;
    if (result.swapped) return { swapped: true, revision: result.revision, node };
    if (result.actual === null) return { swapped: false, found: null, node };
    const { value: there, modRevision: revision } = result.actual;
    const text = there === null ? null : textOf(there);
    return { swapped: false, found: { text, revision }, node };
  }

  async history(through: Through, key: string, mode: ReadMode): Promise<ShownHistory> {
    const versions: ShownVersion[] = [];
    const options = { ...asked(through), consistency: mode, limit: VERSIONS_SHOWN + 1 };
    for await (const { revision, version, value } of this.#kv.history(key, options)) {
      versions.push({ revision, version, value: value === null ? null : shownOf(value) });
    }
    return {
      versions: versions.slice(0, VERSIONS_SHOWN),
      more: versions.length > VERSIONS_SHOWN,
    };
  }

  async commit(through: Through, { checks, changes }: TxnDraft): Promise<ShownCommit> {
    const atomic = this.#kv.atomic();
    for (const { kind, key, operand } of checks) {
      if (kind === "absent") atomic.check(key, { absent: true });
      else if (kind === "value") atomic.check(key, { value: operand });
      else atomic.check(key, { revision: Number(operand) });
    }
    for (const { kind, key, value } of changes) {
      if (kind === "put") atomic.put(key, value);
      else atomic.delete(key);
    }
    const result = await atomic.commit(asked(through));
    if (result.committed) return result;
    const conflicts = result.conflicts.map(({ key, actual }) => ({
      key: textOf(bytesOf(key)) ?? hexOf(bytesOf(key)),
      revision: actual?.modRevision ?? null,
    }));
    return { committed: false, conflicts, node: result.node };
  }

  keyLevel(
    through: Through,
    mode: ReadMode,
    prefix: string,
    resume: Uint8Array | null,
  ): Promise<KeyLevel> {
    const ask: AskKeys = async ({ start, end }, limit) => {
      const entries: KeyEntry[] = [];
      const selector = end === null ? { start } : { start, end };
      const options = { ...asked(through), consistency: mode, limit };
      for await (const entry of this.#kv.keys(selector, options)) entries.push(entry);
      return entries;
    };
    return keyLevel(ask, prefix, resume);
  }

  async countKeys(through: Through, mode: ReadMode, prefix: string): Promise<number> {
    const options = { ...asked(through), consistency: mode };
    return (await this.#kv.count({ prefix }, options)).count;
  }

  follow(through: Through, prefix: string, told: (news: TailNews) => void): () => void {
    return followKeys(this.#kv, prefix, asked(through), told);
  }

  coordination(through: Through): Promise<ShownCoordination> {
    return readCoordination(this.#kv, asked(through), () => this.#options.clock.now());
  }

  setLoad(perSecond: number): void {
    if (perSecond !== this.load.view.perSecond) {
      this.#options.onDeed(perSecond === 0 ? "the load is off" : `${perSecond} writes a second`);
    }
    this.load.set(perSecond);
  }

  /** The one of now. */
  get admin(): AdminCore {
    return this.#admin;
  }

  giveSecret(secret: string): void {
    this.#goOnWith({ secret });
  }

  async signIn(user: string, password: string): Promise<void> {
    const way = { ...this.#way, user, password };
    const trial = this.#newAdmin(way);
    try {
      await whoAtAny(trial, this.#nodes);
    } finally {
      trial.close();
    }
    this.#goOnWith(way);
  }

  signOut(): void {
    const { secret } = this.#way;
    this.#goOnWith(secret === null ? NO_WAY_IN : { secret });
  }

  #goOnWith(way: WayIn): void {
    this.#way = way;
    this.load.set(0);
    this.close();
    this.#admin = this.#newAdmin();
    this.#kv = this.#newKv();
    this.#options.onWayIn(way);
  }

  /** Ends all connections; what has no answer yet rejects. */
  close(): void {
    this.#admin.close();
    this.#kv.close();
  }

  async #run(scenario: Scenario, leader: number | null): Promise<string> {
    const outcome = await runScenario(this.#admin, this.#nodes, scenario, {
      sleep: (ms) => sleep(this.#options.clock, ms),
    });
    const broken = scenario.steps.at(-1)?.broken ?? [];
    const able = ableToLead(this.#nodes, broken, leader, [...outcome.failed.keys()]);
    return this.#done(scenario.name, `${scenario.summary}; ${leadText(able, leader)}`, outcome);
  }

  #done(deed: string, what: string, outcome: FaultsOutcome): string {
    const said = sentence(what, outcome);
    this.#options.onDeed(`${deed}: ${said}`);
    return said;
  }

  /**
   * One end that drops is enough to break a link: the other may be down.
   * @returns why one of the ends could not be told; null when both were
   * @throws KvError when neither could be told, or it is not allowed
   */
  async #atEitherEnd(
    op: "breakLink" | "restoreLink",
    from: number,
    to: number,
    direction: "both" | "oneWay",
  ): Promise<KvError | null> {
    const both = direction === "both";
    const results = await Promise.allSettled([
      this.#admin.call(from, op, { peer: to, direction: both ? "both" : "out" }),
      this.#admin.call(to, op, { peer: from, direction: both ? "both" : "in" }),
    ]);
    const errors = results.flatMap((result) =>
      result.status === "rejected" ? [result.reason as unknown] : [],
    );
    const [first] = errors;
    if (first === undefined) return null;
    const forbidden = errors.find(
      (error) => error instanceof KvError && error.code === "FORBIDDEN",
    );
    if (errors.length === results.length) throw forbidden ?? first;
    if (!(first instanceof KvError)) throw first;
    return first;
  }

  #newAdmin(way: WayIn = this.#way): AdminCore {
    return new AdminCore({ ...this.#clientOptions(), ...way, timeoutMs: 3000 });
  }

  #newKv(): KvClient {
    return new KvClient(this.#clientOptions());
  }

  #clientOptions() {
    const { clock, random, network, info } = this.#options;
    const { nodes, clusterId } = info;
    return { clock, random, network, nodes, clusterId, ...this.#way };
  }
}

function sentence(done: string, outcome: FaultsOutcome): string {
  if (outcome.reached.length === 0) {
    const [error] = outcome.failed.values();
    throw new KvError(error?.code ?? "CONNECTION_FAILED", failedText(outcome));
  }
  return outcome.failed.size === 0 ? done : `${done}; but ${failedText(outcome)}`;
}

/** One answer is enough; every node says the same about a wrong password. @throws KvError */
async function whoAtAny(admin: AdminCore, nodes: readonly number[]): Promise<void> {
  let last: KvError | null = null;
  for (const node of nodes) {
    try {
      await admin.call(node, "whoami", {});
      return;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (error.code === "UNAUTHENTICATED" || error.code === "BAD_REQUEST") throw error;
      last = error;
    }
  }
  throw last ?? new KvError("CONNECTION_FAILED", "there are no nodes");
}

/** A million bytes in hexadecimal take a browser a third of a second, and nobody sees them of a text. */
function shownOf(value: Uint8Array): { readonly text: string | null; readonly hex: string } {
  const text = textOf(value);
  return { text, hex: text === null ? hexOf(value) : "" };
}

function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((wake) => {
    clock.after(ms, wake);
  });
}

function asked(through: Through): { readonly node?: number } {
  return through === null ? {} : { node: through };
}
