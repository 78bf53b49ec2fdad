/** `lease`, `locks`, and writes bound to a lease, at the client prompt. */
import {
  type CommandSpec,
  eachOf,
  type ParsedArguments,
  timeIn,
  type Token,
  UsageError,
} from "../terminal/index.ts";

export type LeaseAction =
  | (Lease & { readonly verb: "grant"; readonly ttl: number })
  | (Lease & { readonly verb: "keep" | "revoke" | "ttl"; readonly id: number })
  | (Lease & { readonly verb: "list" })
  | { readonly family: "lease"; readonly op: "locks" }
  | BoundWrite;

interface Lease {
  readonly family: "lease";
  readonly op: "lease";
}

/** A write with a lease. */
export interface BoundWrite {
  readonly family: "lease";
  readonly op: "write";
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly bound: { readonly ttl: number } | { readonly lease: number };
}

const VERBS = ["grant TIME", "keep ID", "revoke ID", "list", "ttl ID"] as const;
/** Leases that are longer are no leases. */
const TTL_MS_MAX = 366 * 24 * 3_600_000;

export const LEASE_COMMANDS: readonly CommandSpec<LeaseAction>[] = [
  {
    name: "lease",
    synonyms: ["leases", "ttl", "expire"],
    forms: VERBS,
    summary: "times to live, to which keys can be bound",
    details: [
      "grant: a new lease, which nobody renews: it ends after TIME, and its keys are deleted.",
      "keep: its time begins anew. revoke: it ends now. list: all of them. ttl: what is left of it, and its keys.",
      "write KEY VALUE --lease ID binds a key to one.",
    ],
    examples: [
      "1 lease grant 30s",
      "1 lease keep 7",
      "2 lease ttl 7",
      "2 lease list",
      "3 lease revoke 7",
    ],
    arguments: ["text", "time"],
    words: eachOf(VERBS.map((form) => form.replace(/ .*/, ""))),
    count: [1, 2],
    build: leaseIn,
  },
  {
    name: "locks",
    forms: [""],
    summary: "who holds locks, who waits for them, and who leads elections",
    details: [
      "Locks are held by programs: omnikv lock NAME -- COMMAND, or client.locks of the library.",
    ],
    examples: ["1 locks"],
    arguments: [],
    count: [0, 0],
    build: () => ({ family: "lease", op: "locks" }),
  },
];

export const WRITE_FLAGS = [
  { name: "--ttl", value: "TIME", help: "the key is deleted after this time: 10s, 5min" },
  { name: "--lease", value: "ID", help: "the key is deleted when this lease ends" },
] as const;

/** Null: the write is bound to nothing. */
export function boundIn({ flags }: ParsedArguments): BoundWrite["bound"] | null {
  const ttl = flags.get("--ttl");
  const lease = flags.get("--lease");
  if (ttl !== undefined && lease !== undefined) throw new UsageError("--ttl or --lease, not both");
  if (ttl !== undefined) return { ttl: ttlIn(ttl, "--ttl") };
  return lease === undefined ? null : { lease: idIn(lease, "--lease") };
}

const LEASE = { family: "lease", op: "lease" } as const;

function leaseIn({ positionals: [verb, what] }: ParsedArguments): LeaseAction {
  switch (verb?.text) {
    case "grant":
      return { ...LEASE, verb: "grant", ttl: ttlIn(what, "the time to live") };
    case "keep":
    case "revoke":
    case "ttl":
      return { ...LEASE, verb: verb.text, id: idIn(what, verb.text) };
    case "list":
      if (what !== undefined) throw new UsageError("list takes nothing");
      return { ...LEASE, verb: "list" };
    default:
      throw new UsageError(`"${verb?.text ?? ""}" is none of ${VERBS.join(", ")}`);
  }
}

function ttlIn(token: Token | undefined, what: string): number {
  // Leases are of whole milliseconds.
  const ttl = Math.round(timeIn(token, what, "s", TTL_MS_MAX));
  if (ttl > 0) return ttl;
  throw new UsageError(`${what} is more than 0`);
}

function idIn(token: Token | undefined, what: string): number {
  const text = token?.text ?? "";
  const id = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (id >= 1 && Number.isSafeInteger(id)) return id;
  throw new UsageError(`${what} takes the number of a lease, got "${text}"`);
}
