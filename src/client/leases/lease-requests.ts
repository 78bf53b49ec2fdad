/** Leases as requests of a client. */
import { KvError, LEASES_RENEWED_MAX } from "../../base/index.ts";
import { decodeNumbers, encodeNumbers, STATUS } from "../../store/commands/index.ts";
import type { LeasesAnswer } from "../../protocol/client/index.ts";
import { type LeaseId, type RequestOptions } from "../terms/index.ts";
import type { Answer, Operation } from "../core/index.ts";
import type { LeaseInfo, LeaseKeys, LeasePort } from "./lease-port.ts";

/** Carries an operation out, as the client does all of its. */
export type LeaseSubmit = <T>(
  operation: Operation,
  options: RequestOptions,
  toResult: (answer: Answer) => T,
) => Promise<T>;

/** The nodes choose. */
const NEXT_ID = 0;

type LeaseView = LeasesAnswer["leases"][number];

export function leasePortOf(submit: LeaseSubmit): LeasePort {
  return {
    grant: (ttl, options, id) => {
      const lease = id === "next" ? NEXT_ID : id;
      return submit({ kind: "leaseGrant", ttl, lease }, options, ({ revision }) => ({
        id: revision,
        ttlMs: ttl,
      }));
    },
    keepAlive: (ids, options) => keepAlive(submit, ids, options),
    timeToLive: (id, options) => timeToLive(submit, id, options),
    list: (options) => list(submit, options),
    revoke: async (id, options) => {
      const revoke = { kind: "leaseRevoke", lease: id } as const;
      return submit(revoke, options, ({ status }) => status === STATUS.ok);
    },
  };
}

async function keepAlive(
  submit: LeaseSubmit,
  ids: readonly LeaseId[],
  options: RequestOptions,
): Promise<readonly (number | null | KvError)[]> {
  const pieces: Promise<readonly (number | null | KvError)[]>[] = [];
  for (let start = 0; start < ids.length; start += LEASES_RENEWED_MAX) {
    pieces.push(renew(submit, ids.slice(start, start + LEASES_RENEWED_MAX), options));
  }
  return (await Promise.all(pieces)).flat();
}

/** Never rejects with a KvError. */
async function renew(
  submit: LeaseSubmit,
  ids: readonly LeaseId[],
  options: RequestOptions,
): Promise<readonly (number | null | KvError)[]> {
  try {
    const command = { kind: "leaseKeepAlive", numbers: encodeNumbers(ids) } as const;
    const ttls = await submit(command, options, ({ value }) =>
      value === null ? null : decodeNumbers(value),
    );
    if (ttls?.length === ids.length) return ttls.map((ttl) => (ttl === 0 ? null : ttl));
    throw new KvError("OVERLOADED", "the node had no room to say which leases were renewed");
  } catch (error) {
    if (error instanceof KvError) return ids.map(() => error);
    throw error;
  }
}

async function timeToLive(
  submit: LeaseSubmit,
  id: LeaseId,
  options: RequestOptions,
): Promise<LeaseKeys | null> {
  const keys: Uint8Array[] = [];
  let start: Uint8Array = new Uint8Array(0);
  for (;;) {
    const operation = { kind: "lease", lease: id, start, local: false } as const;
    const answer = await submit(operation, options, copied);
    const { leases, keys: found, more } = answered(answer);
    const [lease] = leases;
    if (lease === undefined) return null;
    keys.push(...found);
    const last = keys.at(-1);
    if (!more || last === undefined) return { ...infoOf(lease), keys };
    start = Buffer.concat([last, new Uint8Array(1)]);
  }
}

async function list(submit: LeaseSubmit, options: RequestOptions): Promise<readonly LeaseInfo[]> {
  const infos: LeaseInfo[] = [];
  for (;;) {
    const after = infos.at(-1)?.id ?? 0;
    const operation = { kind: "leases", after, local: false } as const;
    const { leases, more } = answered(await submit(operation, options, copied));
    infos.push(...leases.map(infoOf));
    if (!more || leases.length === 0) return infos;
  }
}

/** The answer is a view of a frame. */
function copied({ leases }: Answer): LeasesAnswer | null {
  return leases === null ? null : { ...leases, keys: leases.keys.map((key) => key.slice()) };
}

function answered(leases: LeasesAnswer | null): LeasesAnswer {
  if (leases === null) throw new KvError("INTERNAL", "a lease was answered with something else");
  return leases;
}

function infoOf({ id, ttlMs, remainingMs }: LeaseView): LeaseInfo {
  return { id, ttl: ttlMs, remaining: remainingMs };
}
