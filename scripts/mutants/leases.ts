/** Bugs in leases and in the clock of the cluster: time that counts twice, leases that begin anew, keys that stay or go with others. */
import { patch, type Mutant } from "./mutant.ts";

const STATE = "src/store/kv-state.ts";
const LEASES = "src/store/keys/leases.ts";
const COMMANDS = "src/store/apply/lease-commands.ts";
const CELLS = "src/store/keys/ordered-cells.ts";
const FROZEN = "src/store/snapshots/frozen-state.ts";
const CLOCK = "src/replica/writes/cluster-clock.ts";

export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: "a new leader begins leases anew",
    breaks: "a change of leaders renews all leases",
    patches: [
      patch(
        STATE,
        "this.#rounds = withRound(this.#rounds, round);",
        "this.#rounds = withRound(this.#rounds, round);\n    for (const id of this.leases.sortedIds()) this.leases.renew(id);",
      ),
    ],
    by: "sim",
  },
  {
    name: "every node moves the clock",
    breaks: "a node that leads no more, or never did, has leases end",
    patches: [
      patch(
        CLOCK,
        'role !== "leader" || phase !== "accept" || contradiction !== null',
        "contradiction !== null && role === phase",
      ),
      patch(LEASES, "if (current === undefined || !isSame(round, current)) return false;", ""),
      patch("src/replica/trust/admission.ts", " ?? wrongForward(entry)", ""),
      patch("src/proof/simulator/lease-model.ts", "name !== current || ", ""),
    ],
    by: "sim",
  },
  {
    name: "a leader counts time from before it led",
    breaks: "two leaders have the clock move by the same time",
    patches: [patch(CLOCK, "toldMs: nowMs, count: 0", "toldMs: nowMs - 600, count: 0")],
    by: "sim",
  },
  {
    name: "a leader tells the same time again",
    breaks: "each entry of the clock stands for the time of the one before too",
    patches: [
      patch(
        CLOCK,
        "lead.toldMs = nowMs;\n    lead.count",
        "lead.toldMs += passedMs / 2;\n    lead.count",
      ),
    ],
    by: "sim",
  },
  {
    name: "time passes for a leader that cannot commit",
    breaks: "the clock moves by all of the time that a leader was cut off",
    patches: [
      patch(CLOCK, "if (appliedIdx < lead.waitsForIdx) return;", "if (appliedIdx < 0) return;"),
    ],
    by: "sim",
  },
  {
    name: "the clock moves twice by an entry",
    breaks: "leases end in half of their time",
    patches: [patch(LEASES, "this.#ms += passedMs;", "this.#ms += 2 * passedMs;")],
    by: "sim",
  },
  {
    name: "the time of a lease begins with the next step",
    breaks: "a step that was proposed before a renewal was decided counts for it",
    patches: [patch(LEASES, "export const RENEWAL_STEPS = 2;", "export const RENEWAL_STEPS = 1;")],
    by: "sim",
  },
  {
    name: "the time of a lease begins before its renewal",
    breaks:
      "what the next step of the clock stands for counts, which began before the lease was renewed",
    patches: [
      patch(LEASES, "export const RENEWAL_STEPS = 2;", "export const RENEWAL_STEPS = 1;"),
      patch(
        LEASES,
        "if (lease.waits === 0) lease.endsAtMs = this.#ms + lease.ttlMs;",
        "if (lease.waits === 0) lease.endsAtMs = this.#ms - passedMs + lease.ttlMs;",
      ),
      patch(
        "src/proof/simulator/lease-model.ts",
        "const STEPS_BEFORE = 2;",
        "const STEPS_BEFORE = 0;",
      ),
      patch(
        "src/proof/simulator/lease-model.ts",
        "return begins === undefined ? Infinity : begins.ms + ttlMs;",
        "return (renewals.at(-1)?.steps ?? 0) === this.steps.length ? Infinity : (begins?.ms ?? 0) + ttlMs;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a renewal is lost with a snapshot",
    breaks: "a node that takes over a snapshot has leases end at once that were just renewed",
    patches: [
      patch(
        LEASES,
        "return { id, ttlMs, waits, endsAtMs: waits > 0 ? 0 : endsAtMs, ofWrite };",
        "return { id, ttlMs, waits: 0, endsAtMs: waits > 0 ? 0 : endsAtMs, ofWrite };",
      ),
    ],
    by: "sim",
  },
  {
    name: "bound keys are lost with a snapshot",
    breaks: "a node that takes over a snapshot keeps keys whose lease ends",
    patches: [patch(FROZEN, "if (newest.lease) bound.push({ key, lease: newest.lease });", "")],
    by: "sim",
  },
  {
    name: "a key of a lease that ended stays",
    breaks: "the first key of a lease is not deleted with it",
    patches: [
      patch(COMMANDS, "for (const key of keys) cells", "for (const key of keys.slice(1)) cells"),
      patch(LEASES, 'assert(this.keysOf(id) === 0, "the keys of a lease go before it");', ""),
    ],
    by: "sim",
  },
  {
    name: "a write without a lease does not let the key go",
    breaks: "a key is deleted that was written without a lease",
    patches: [
      patch(
        CELLS,
        "if (lease !== cell.lease) cell =",
        "if (lease !== 0 && lease !== cell.lease) cell =",
      ),
    ],
    by: "sim",
  },
  {
    name: "a deleted key stays bound",
    breaks: "a key that comes again is deleted with the lease that it had before",
    patches: [
      patch(CELLS, "    if (cell.lease !== 0) this.#bind(cell, place, 0);\n", ""),
      patch(LEASES, 'assert(this.keysOf(id) === 0, "the keys of a lease go before it");', ""),
    ],
    by: "sim",
  },
  {
    name: "another lease is revoked",
    breaks: "whoever revokes a lease ends the oldest one",
    patches: [
      patch(
        STATE,
        "this.#endLease(this.#cursor.lease);",
        "this.#endLease(this.leases.sortedIds()[0] ?? 0);",
      ),
    ],
    by: "sim",
  },
  {
    name: "only the first of many leases is renewed",
    breaks: "leases end that were renewed together with others",
    patches: [
      patch(
        COMMANDS,
        "map((id) => leases.renew(id))",
        "map((id, i) => (i === 0 ? leases.renew(id) : (leases.view(id)?.ttlMs ?? 0)))",
      ),
    ],
    by: "sim",
  },
  {
    name: "a leader that leads goes on counting where it stopped",
    breaks: "the clock moves by the time without a leader, in which others may have led",
    patches: [
      patch(CLOCK, "      this.#lead = null;\n", "      return null;\n"),
      patch(CLOCK, "toldMs: nowMs, count: 0", "toldMs: this.#lead?.toldMs ?? nowMs, count: 0"),
    ],
    by: "sim",
  },
  {
    name: "whoever likes moves the clock",
    breaks: "a peer's forwarded proposals may hold entries of the clock",
    patches: [patch("src/replica/trust/admission.ts", " ?? wrongForward(entry)", "")],
    by: ["test/replica/cluster-clock.test.ts"],
  },
  {
    name: "the lease of a write stays",
    breaks: "a key that is written again and again takes all leases of the cluster",
    patches: [patch(STATE, "    this.#cells.leases.endEmptied();\n", "")],
    by: "sim",
  },
  {
    name: "the lease of a write ends with its first key",
    breaks:
      "a key stays whose time is over, as another one that was written with it was written again",
    patches: [
      patch(LEASES, "if (lease.ofWrite && lease.keys.size === 0) this", "if (lease.ofWrite) this"),
      patch(
        LEASES,
        "for (const id of this.#emptied) if (this.keysOf(id) === 0) this",
        "for (const id of this.#emptied) this",
      ),
    ],
    by: "sim",
  },
  {
    name: "the lease of a write ends before the write has come",
    breaks: "a write with a time to live is refused, as somebody else wrote in between",
    patches: [
      patch(
        LEASES,
        "if (this.#emptied.length === 0) return;",
        "this.#emptied = this.sortedIds().filter((id) => this.#lease(id).ofWrite);",
      ),
    ],
    by: "sim",
  },
  {
    name: "a lease that one transaction empties and fills ends",
    breaks:
      "a transaction that moves a lease from one key to another leaves it behind without the lease",
    patches: [
      patch(
        LEASES,
        "for (const id of this.#emptied) if (this.keysOf(id) === 0) this",
        "for (const id of this.#emptied) this",
      ),
    ],
    by: ["test/store/write-leases.test.ts"],
  },
  {
    name: "a snapshot does not tell which leases are of writes",
    breaks: "a node that takes over a snapshot keeps leases that have ended at the others",
    patches: [
      patch(
        "src/store/snapshots/lease-section.ts",
        "ofWrite: ids.delete(lease.id) }",
        "ofWrite: !ids.delete(lease.id) && ids.has(0) }",
      ),
    ],
    by: "sim",
  },
  {
    name: "a node proposes by rules that others do not know",
    breaks: "nodes of the version before stop at the first write with a time to live",
    patches: [
      patch(
        "src/replica/writes/rules-of-all.ts",
        "const isTold = this.#told.size === this.#peers();",
        "const isTold = this.#told.size <= this.#peers();",
      ),
    ],
    by: ["test/replica/rules-of-all.test.ts"],
  },
];
