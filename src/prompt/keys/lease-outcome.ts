/** Carries out `lease`, `locks` and writes bound to a lease, and puts what came of it into words. */
import { printable, unreachable } from "../../base/index.ts";
import {
  ELECTIONS_PREFIX,
  holdersIn,
  type LockInfo,
  type LockQuery,
} from "../../client/locks/index.ts";
import type { LeaseInfo, LeaseKeys } from "../../client/leases/index.ts";
import type { KvRequests } from "../../client/index.ts";
import type { RequestOptions, WriteOptions, WriteResult } from "../../client/terms/index.ts";
import {
  bytesField,
  EXIT,
  type ExitStatus,
  formatDuration,
  type Outcome,
  quote,
  roundMs,
  type Style,
} from "../terminal/index.ts";
import type { LeaseAction } from "../commands/index.ts";

/** The part of KvClient that these commands need. */
export interface LeaseCalls extends Pick<KvRequests, "range"> {
  write(key: Uint8Array, value: Uint8Array, options?: WriteOptions): Promise<WriteResult>;
  readonly leases: {
    issue(ttl: number, options?: RequestOptions): Promise<LeaseInfo>;
    renew(id: number, options?: RequestOptions): Promise<number | null>;
    revoke(id: number, options?: RequestOptions): Promise<boolean>;
    timeToLive(id: number, options?: RequestOptions): Promise<LeaseKeys | null>;
    list(options?: RequestOptions): Promise<readonly LeaseInfo[]>;
  };
  readonly locks: { query(options?: RequestOptions): Promise<LockQuery> };
}

interface Description {
  readonly lines: readonly string[];
  /** The lines are a list, perhaps an empty one: how much is in it. */
  readonly total?: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly status?: ExitStatus;
}

export async function leaseOutcome(
  client: LeaseCalls,
  action: LeaseAction,
  options: RequestOptions,
  style: Style,
  elapsedMs: () => number,
): Promise<Outcome> {
  const { lines, total, fields, status = EXIT.ok } = await describe(client, action, options, style);
  const ms = elapsedMs();
  const took = style.dim(`(${formatDuration(ms)})`);
  const text = lines.join("\n");
  const verb = action.op === "lease" ? { verb: action.verb } : {};
  return {
    ...(total === undefined
      ? { text: `${text} ${took}` }
      : { text, footer: { text: `${total} ${took}`, isPart: false } }),
    json: { ok: status === EXIT.ok, op: action.op, ...verb, ...fields, ms: roundMs(ms) },
    status,
    isResult: true,
  };
}

async function describe(
  client: LeaseCalls,
  action: LeaseAction,
  options: RequestOptions,
  style: Style,
): Promise<Description> {
  switch (action.op) {
    case "write": {
      const { key, value, bound } = action;
      const { revision, node } = await client.write(key, value, { ...options, ...bound });
      const fields = { node, ...bytesField("key", key), revision };
      return { lines: [`${style.good("ok")}, revision ${revision}`], fields };
    }
    case "locks": {
      const list = (prefix: string) => client.range({ prefix }, options);
      const locks = await client.locks.query(options);
      return locksText(locks, await holdersIn(list, ELECTIONS_PREFIX), style);
    }
    case "lease":
      return lease(client, action, options, style);
    default:
      return unreachable(action, "command of leases");
  }
}

async function lease(
  { leases }: LeaseCalls,
  action: Extract<LeaseAction, { op: "lease" }>,
  options: RequestOptions,
  style: Style,
): Promise<Description> {
  switch (action.verb) {
    case "grant": {
      const { id, ttl } = await leases.issue(action.ttl, options);
      const text = `lease ${style.value(String(id))}, for ${formatDuration(ttl)}`;
      return { lines: [text], fields: { id, ttl } };
    }
    case "keep": {
      const { id } = action;
      const ttl = await leases.renew(id, options);
      if (ttl === null) return noLease(id, style);
      return {
        lines: [`${style.good("ok")}, for ${formatDuration(ttl)} more`],
        fields: { id, ttl },
      };
    }
    case "revoke": {
      const { id } = action;
      if (!(await leases.revoke(id, options))) return noLease(id, style);
      return { lines: [style.good("revoked")], fields: { id } };
    }
    case "ttl": {
      const { id } = action;
      const found = await leases.timeToLive(id, options);
      if (found === null) return noLease(id, style);
      const { keys, ...info } = found;
      const own = keys.map((key) => `  ${quote(key)}`);
      const fields = { ...info, keys: keys.map((key) => bytesField("key", key)) };
      return { lines: [...own, leaseText(info)], fields };
    }
    case "list": {
      const all = await leases.list(options);
      const lines = all.map((info) => leaseText(info));
      const total = all.length === 1 ? "1 lease" : `${all.length} leases`;
      return { lines, total, fields: { leases: all } };
    }
    default:
      return unreachable(action, "command of leases");
  }
}

function noLease(id: number, style: Style): Description {
  const fields = { id, found: false };
  return { lines: [style.warn(`(no lease ${id})`)], fields, status: EXIT.failed };
}

function leaseText({ id, ttl, remaining }: LeaseInfo): string {
  return `lease ${id}: ${formatDuration(remaining)} of ${formatDuration(ttl)} left`;
}

function locksText(locks: LockQuery, elections: LockQuery, style: Style): Description {
  const line = (what: string, { name, mode, owner, revision }: LockInfo): string => {
    const by = owner === "" ? "" : ` by ${printable(owner)}`;
    return `${printable(name)}: ${what}${mode === "shared" ? " shared" : ""}${by}, since revision ${revision}`;
  };
  const leads = ({ name, owner, revision }: LockInfo): string => {
    const waiting = elections.pending.filter((info) => info.name === name).length;
    const others = waiting === 0 ? "" : `, ${waiting} more would`;
    const who = owner === "" ? "somebody leads" : `${printable(owner)} leads`;
    return `election ${printable(name)}: ${style.good(who)} since revision ${revision}${others}`;
  };
  const lines = [
    ...locks.held.map((info) => line(style.good("held"), info)),
    ...locks.pending.map((info) => line("waited for", info)),
    ...elections.held.map(leads),
  ];
  return {
    lines,
    total: `${locks.held.length} held, ${locks.pending.length} waiting`,
    fields: { ...locks, elections: { leading: elections.held, standing: elections.pending } },
  };
}
