/**
 * All operations, each written once. From this table follow the writer and the check of groups, the walk through entries,
 * the hash of a command, its effect, the version of an entry, the requests of clients and their types, the prompt's actions,
 * and the simulator's requests. docs/adding-an-operation.md walks through an entry.
 *
 * Codes are never used again, and are below 64. 0 stays free. Those to 15 are for keys and
 * sessions, from 16 on for settings, from 24 on for users and roles, from 32 on for transactions, leases and the clock.
 */
import { VALUE_BYTES_MAX } from "../../base/index.ts";
import type { Operation } from "./operation.ts";

export const OPERATIONS = {
  write: {
    kind: "key",
    code: 1,
    fields: ["key", "value"],
    since: 1,
    growth: "replaces",
    request: "write",
    answer: "written",
    apply: (key) => key.putValue(),
    model: (_held, { value }) => value,
  },
  delete: {
    kind: "key",
    code: 2,
    fields: ["key"],
    since: 1,
    growth: "frees",
    request: "delete",
    answer: "deleted",
    apply: (key) => key.remove(),
    model: ({ value }) => (value === null ? undefined : null),
  },
  casValue: {
    kind: "key",
    code: 3,
    fields: ["key", "expected", "value"],
    since: 1,
    growth: "replaces",
    request: "cas",
    answer: "swapped",
    apply: (key, command) => {
      const found = key.find();
      if (found === undefined || found.value.length !== command.expectedLength) {
        key.mismatch(found);
      } else if (found.value === command.expectedValue()) key.putValue();
      else key.mismatch(found);
    },
    model: (held, { expected, value }) => (held.value === expected ? value : undefined),
  },
  casAbsent: {
    kind: "key",
    code: 4,
    fields: ["key", "value"],
    since: 1,
    growth: "replaces",
    request: "cas",
    answer: "swapped",
    apply: (key) => {
      const found = key.find();
      if (found === undefined) key.putValue();
      else key.mismatch(found);
    },
    model: (held, { value }) => (held.value === null ? value : undefined),
  },
  casRevision: {
    kind: "key",
    code: 5,
    fields: ["key", "revision", "value"],
    since: 1,
    growth: "replaces",
    request: "cas",
    answer: "swapped",
    apply: (key, command) => {
      const found = key.find();
      if (found?.modRevision === command.expectedRevision) key.putValue();
      else key.mismatch(found);
    },
    model: (held, { revision, value }) =>
      held.value !== null && held.revision === revision ? value : undefined,
  },
  openSession: {
    kind: "control",
    code: 6,
    fields: ["nonce"],
    since: 1,
    session: "forbidden",
    by: "client",
  },
  closeSession: {
    kind: "control",
    code: 7,
    fields: [],
    since: 1,
    session: "needed",
    by: "client",
  },
  /** Changes nothing; its answer proves that the node has applied all that was decided before it. */
  noop: { kind: "control", code: 8, fields: [], since: 1, session: "either", by: "client" },
  append: {
    kind: "key",
    code: 9,
    fields: ["key", "value"],
    since: 4,
    proposedBy: 8,
    growth: "adds",
    request: "append",
    answer: "written",
    apply: (key, command) => {
      const found = key.find();
      if (found === undefined) key.putValue();
      else if (found.value.length + command.valueLength > VALUE_BYTES_MAX) key.tooLarge();
      else key.put(found.value + command.value());
    },
    model: (held, { value }) => {
      const longer = (held.value ?? "") + value;
      return Buffer.byteLength(longer) > VALUE_BYTES_MAX ? undefined : longer;
    },
  },
  setQuota: {
    kind: "control",
    code: 16,
    fields: ["quotaBytes"],
    since: 2,
    session: "forbidden",
    by: "management",
  },
  /** How much of what was overwritten and deleted is kept. */
  setHistory: {
    kind: "control",
    code: 17,
    fields: ["historyRevisions", "historyBytes"],
    since: 4,
    session: "forbidden",
    by: "management",
  },
  /** No revision below the one named is to be readable any more. */
  compact: {
    kind: "control",
    code: 18,
    fields: ["compactRevision"],
    since: 4,
    session: "forbidden",
    by: "management",
  },
  /** Changes users, roles or permissions, or turns access control on or off. */
  access: {
    kind: "control",
    code: 24,
    fields: ["body"],
    since: 6,
    proposedBy: 8,
    session: "forbidden",
    by: "management",
  },
  /** Changes nothing: names the actor of its group. The node that took the group in puts it there, always first. */
  actor: {
    kind: "control",
    code: 25,
    fields: ["body"],
    since: 6,
    session: "either",
    by: "node",
  },
  /** Compares, and carries out the one or the other list of operations, as one step. */
  txn: { kind: "txn", code: 32, fields: ["txn"], since: 4, proposedBy: 8 },
  /**
   * A lease that lives for so long, and for as long as it is renewed. The revision of the answer is its id. In entries of version 10 one
   * for a single write, which its id tells (store/entries/lease-ids.ts), ends with its last key.
   */
  leaseGrant: { kind: "lease", code: 33, fields: ["ttl", "lease"], since: 6 },
  /** Begins the time of many leases anew. It is not remembered: a repetition renews them once more. */
  leaseKeepAlive: { kind: "lease", code: 34, fields: ["numbers"], since: 6 },
  /** Ends a lease: all its keys are deleted at one revision. */
  leaseRevoke: { kind: "lease", code: 35, fields: ["lease"], since: 6 },
  /** Moves the cluster's clock. Only a leader makes it, for its own log: store/entries/clock-entry.ts. */
  clock: {
    kind: "control",
    code: 36,
    fields: ["numbers"],
    since: 6,
    session: "forbidden",
    by: "node",
  },
  /** As txn, with leases in it, which programs before do not know. */
  leasedTxn: { kind: "txn", code: 37, fields: ["txn"], since: 6, proposedBy: 8 },
} as const satisfies Record<string, Operation>;

export type OpName = keyof typeof OPERATIONS;
export const OP_NAMES = Object.keys(OPERATIONS) as readonly OpName[];
