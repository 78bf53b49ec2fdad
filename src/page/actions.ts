/** What the page can do, carried out over the ordinary clients. */
import { KvError } from "../base/errors.ts";
import { AdminClient } from "../client/admin-client.ts";
import {
  applyFaults,
  changeLinks,
  failedText,
  runScenario,
  type FaultsOutcome,
} from "../client/cluster-faults.ts";
import { KvClient } from "../client/kv-client.ts";
import type { CasResult } from "../client/types.ts";
import type { Clock } from "../ports/clock.ts";
import {
  ableToLead,
  leadText,
  parseGroups,
  planIsolation,
  planPartition,
  planScenario,
  type Scenario,
} from "../scenarios/index.ts";
import type { ClusterStoreOptions } from "./cluster-store.ts";
import type { PageActions, ShownRead } from "./page-actions.ts";

export interface ActionsOptions extends Omit<ClusterStoreOptions, "isHidden"> {
  readonly leader: () => number | null;
  readonly giveSecret: (secret: string) => void;
}

const KEYS_PER_PAGE = 100;
/** Pages of keys that are no text are passed over, but not for ever. */
const KEY_PAGES_MAX = 20;

export class ClusterActions implements PageActions {
  readonly #options: ActionsOptions;
  readonly #nodes: readonly number[];
  #secret: string | null = null;
  #admin: AdminClient;
  #kv: KvClient;

  constructor(options: ActionsOptions) {
    this.#options = options;
    this.#nodes = options.info.nodes.map(({ id }) => id);
    this.#admin = this.#newAdmin();
    this.#kv = this.#newKv();
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

  async degradeLink(
    a: number,
    b: number,
    fault: { readonly dropPermille?: number; readonly delayMs?: number },
  ): Promise<void> {
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

  async partition(groups: string): Promise<string> {
    const leader = this.#options.leader();
    return this.#run(planPartition(parseGroups(groups), this.#nodes, leader), leader);
  }

  async healAll(): Promise<string> {
    const outcome = await applyFaults(this.#admin, this.#nodes, []);
    return sentence("all links are whole", outcome);
  }

  async read(node: number, key: string, mode: "linearizable" | "local"): Promise<ShownRead> {
    const result = await this.#kv.read(key, { node, consistency: mode });
    if (!result.found) {
      return { found: false, text: null, hex: "", createRevision: 0, modRevision: 0, version: 0 };
    }
    const { value, createRevision, modRevision, version } = result;
    const shown = { text: textOf(value), hex: hexOf(value) };
    return { found: true, ...shown, createRevision, modRevision, version };
  }

  async write(node: number, key: string, value: string): Promise<{ readonly revision: number }> {
    const { revision } = await this.#kv.write(key, value, { node });
    return { revision };
  }

  async delete(node: number, key: string): Promise<{ readonly existed: boolean }> {
    const { existed } = await this.#kv.delete(key, { node });
    return { existed };
  }

  async cas(
    node: number,
    key: string,
    expected: string | null,
    value: string,
  ): Promise<{ readonly swapped: boolean; readonly found: string | null }> {
    const condition = expected === null ? ({ absent: true } as const) : { value: expected };
    const result = await this.#kv.cas(key, condition, value, { node });
    return { swapped: result.swapped, found: foundText(result) };
  }

  async keys(
    node: number,
    prefix: string,
    after: string | null,
  ): Promise<{
    readonly keys: readonly string[];
    readonly more: boolean;
    readonly unreadable: number;
  }> {
    const encoder = new TextEncoder();
    const keys: string[] = [];
    let unreadable = 0;
    let from: Uint8Array | null = after === null ? null : encoder.encode(after);
    for (let page = 0; page < KEY_PAGES_MAX; page++) {
      const params = { prefix: encoder.encode(prefix), after: from, limit: KEYS_PER_PAGE };
      const answer = await this.#admin.call(node, "listKeys", params);
      for (const key of answer.keys) {
        const text = textOf(key);
        if (text === null) unreadable += 1;
        else keys.push(text);
      }
      from = answer.keys.at(-1) ?? from;
      if (!answer.more) return { keys, more: false, unreadable };
      // `after` is text: the next page can only begin behind a key that is.
      if (keys.length > 0) break;
    }
    return { keys, more: keys.length > 0, unreadable };
  }

  giveSecret(secret: string): void {
    this.#secret = secret;
    this.close();
    this.#admin = this.#newAdmin();
    this.#kv = this.#newKv();
    this.#options.giveSecret(secret);
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
    return sentence(`${scenario.summary}; ${leadText(able, leader)}`, outcome);
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

  #newAdmin(): AdminClient {
    return new AdminClient({ ...this.#clientOptions(), timeoutMs: 3000 });
  }

  #newKv(): KvClient {
    return new KvClient(this.#clientOptions());
  }

  #clientOptions() {
    const { clock, random, network, info } = this.#options;
    const { nodes, clusterId } = info;
    return { clock, random, network, nodes, clusterId, secret: this.#secret };
  }
}

function sentence(done: string, outcome: FaultsOutcome): string {
  if (outcome.reached.length === 0) {
    const [error] = outcome.failed.values();
    throw new KvError(error?.code ?? "CONNECTION_FAILED", failedText(outcome));
  }
  return outcome.failed.size === 0 ? done : `${done}; but ${failedText(outcome)}`;
}

function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((wake) => {
    clock.after(ms, wake);
  });
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null: it is no UTF-8. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function foundText(result: CasResult): string | null {
  if (result.swapped || result.actual === null) return null;
  const { value } = result.actual;
  if (value === null) return "(too large to show: read it)";
  return textOf(value) ?? `0x${hexOf(value)}`;
}
