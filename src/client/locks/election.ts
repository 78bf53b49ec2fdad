/** Elections: the leader is the process that holds an exclusive lock of its own, with a value for all to see. */
import { KvError } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import {
  type Bytes,
  namesOf,
  onAbort,
  type RangeSelector,
  type RequestOptions,
  type Revision,
  wrongBytes,
  wrongFunction,
  wrongRequestOptions,
} from "../terms/index.ts";
import { againAndAgain, isAborted, LEASE_TTL_MS, type Leases, wrongTtl } from "../leases/index.ts";
import { ELECTIONS_PREFIX, heldPrefix, placeOf, requestIdOf } from "./lock-keys.ts";
import type { CoordinationSource, LockStore } from "./lock-store.ts";
import { HeldGuard, type Guard } from "./lock.ts";
import { wrongName } from "./locks.ts";
import { takeLock } from "./take-lock.ts";

/** How a process stands in an election. */
export interface ElectOptions {
  /** What `observeElection` tells of this leader: where it can be reached. Default: nothing. */
  readonly value?: Bytes;
  /** Milliseconds after which another process can lead when this one has died or does not reach the cluster. Default 10,000. */
  readonly ttl?: number;
  /** Ends the candidacy: no more terms, and the process gives up the term that lasts. */
  readonly signal?: AbortSignal;
  /** Told once each time when a term was lost, before this process stands again. */
  readonly onLost?: (reason: KvError) => void;
}

/** For as long as its signal is not aborted this process leads, and no other one. */
export interface Term extends Guard {
  readonly name: string;
  /** Resolves when the signal is aborted. Never rejects. */
  readonly ended: Promise<void>;
  /** Gives the term up: aborts the signal, and then another process can lead. */
  resign(): Promise<void>;
}

const ELECT_NAMES = namesOf<ElectOptions>({ value: true, ttl: true, signal: true, onLost: true });
const OBSERVE_NAMES = namesOf<Pick<RequestOptions, "signal">>({ signal: true });

export interface ElectionMachine {
  readonly clock: Clock;
  readonly store: LockStore;
  readonly leases: Leases;
}

export async function* elect(
  { clock, store, leases }: ElectionMachine,
  name: string,
  options: ElectOptions,
): AsyncGenerator<Term, void, undefined> {
  const wrong = wrongName(name) ?? wrongElectOptions(options);
  if (wrong !== null) throw wrong;
  const { value = "", ttl = LEASE_TTL_MS, signal, onLost } = options;
  const place = placeOf(ELECTIONS_PREFIX, name);
  yield* againAndAgain(clock, signal, async () => {
    const lease = await leases.keep(ttl, signal);
    const revoke = (): Promise<void> => lease.revoke().catch(() => {});
    try {
      const id = requestIdOf(lease.id, 1);
      const wish = { place, id, mode: "exclusive", value, how: "wait" } as const;
      const taken = await takeLock(wish, { clock, lease, signal, store });
      if (taken === null) throw new KvError("INTERNAL", "who waits was told not to");
      const guard = new HeldGuard(taken.held, taken.token, lease);
      const { key, token, signal: lost } = guard;
      let isLoss = true;
      const resign = async (): Promise<void> => {
        const isHeld = !lost.aborted;
        if (isHeld) isLoss = false;
        guard.giveUp();
        if (isHeld && taken.hasWaited) await taken.giveBack();
        await revoke();
      };
      const ended = new Promise<void>((resolve) => {
        onAbort(lost, resolve);
        void lease.ended.then(() => resolve());
      });
      const onSignal = (): void => void resign();
      if (signal !== undefined) void lease.ended.then(onAbort(signal, onSignal));
      if (isAborted(signal)) onSignal();
      const end = async (): Promise<void> => {
        if (isLoss && lost.aborted && lost.reason instanceof KvError) onLost?.(lost.reason);
        await resign();
      };
      return { value: { name, key, token, signal: lost, ended, resign }, end };
    } catch (error) {
      await revoke();
      throw error;
    }
  });
}

/** Who leads, as `observeElection` tells it. */
export interface Leader {
  /** The value that the leader gave to `elect`. */
  readonly value: Uint8Array;
  /** The fencing token of the leader's term. */
  readonly token: Revision;
}

/** The leader at first, and then each change. */
export async function* observeElection(
  source: CoordinationSource,
  name: string,
  given: Pick<RequestOptions, "signal">,
): AsyncGenerator<Leader | null, void, undefined> {
  const wrong = wrongName(name) ?? wrongRequestOptions(given, OBSERVE_NAMES);
  if (wrong !== null) throw wrong;
  const { signal } = given;
  const options = signal === undefined ? {} : { signal };
  const range = { prefix: heldPrefix(placeOf(ELECTIONS_PREFIX, name)) };
  /** The token of the leader that was told last; 0: it was told that there is no leader; null: nothing was told. */
  let told: number | null = null;
  while (!isAborted(signal)) {
    try {
      const { count, revision } = await source.count(range, options);
      const leader = count === 0 ? null : await leaderAt(source, range, revision, options);
      if (told !== (leader?.token ?? 0)) yield leader;
      told = leader?.token ?? 0;
      for await (const item of source.watch(range, { ...options, from: revision + 1 })) {
        if (item.type !== "events") continue;
        // The last leader of the revision: the old one may go and the next one come in one revision.
        const put = item.events.findLast((event) => event.type === "put");
        const next = put === undefined ? null : { value: put.value, token: put.modRevision };
        if (told !== (next?.token ?? 0)) yield next;
        told = next?.token ?? 0;
      }
    } catch (error) {
      if (isAborted(signal)) return;
      // Others have written so much since that the cluster no longer keeps these events: then look again.
      if (!(error instanceof KvError) || error.code !== "COMPACTED") throw error;
    }
  }
}

async function leaderAt(
  source: CoordinationSource,
  range: RangeSelector,
  revision: number,
  options: RequestOptions,
): Promise<Leader | null> {
  for await (const { value, modRevision } of source.range(range, { ...options, revision })) {
    return { value, token: modRevision };
  }
  return null;
}

function wrongElectOptions(options: unknown): KvError | null {
  const wrong = wrongRequestOptions(options, ELECT_NAMES);
  if (wrong !== null) return wrong;
  const { value, ttl, onLost } = options as Record<keyof ElectOptions, unknown>;
  return (
    (onLost === undefined ? null : wrongFunction("onLost", onLost)) ??
    (value === undefined ? null : wrongBytes("value", value)) ??
    (ttl === undefined ? null : wrongTtl(ttl))
  );
}
