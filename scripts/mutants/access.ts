/** Bugs in who may do what: users that are forgotten on the way, checks in one place only, what is found out by those who may not. */
import { patch, type Mutant } from "./mutant.ts";

const RIGHTS = "src/store/apply/rights.ts";
const INTERVALS = "src/store/access/key-intervals.ts";
const STATE = "src/store/kv-state.ts";
const JUDGE = "src/store/apply/judge.ts";

export const ACCESS: readonly Mutant[] = [
  {
    name: "a relay forgets the user",
    breaks: "a client that a neighbour serves is nobody there",
    patches: [
      patch(
        "src/replica/relay/lending.ts",
        "relay.guest(from, message, message.actor)",
        "relay.guest(from, message)",
      ),
    ],
    by: ["test/replica/access.test.ts"],
  },
  {
    name: "a relay takes everybody for the holder of the secret",
    breaks: "whoever is served by a neighbour may do everything",
    patches: [
      patch(
        "src/replica/relay/lending.ts",
        "relay.guest(from, message, message.actor)",
        'relay.guest(from, message, { name: "", generation: 0 })',
      ),
    ],
    by: ["test/replica/access.test.ts"],
  },
  {
    name: "the else branch is not checked",
    breaks: "a transaction writes what its user may not, when its comparisons fail",
    patches: [patch(RIGHTS, "failure.every((op) => mayDo(rights, op))", "failure.length >= 0")],
    by: "sim",
  },
  {
    name: "a comparison leaks",
    breaks: "a user finds out by comparisons what it may not read",
    patches: [
      patch(RIGHTS, "compare.every(({ where }) => rights.mayRead(where))", "compare.length >= 0"),
    ],
    by: "sim",
  },
  {
    name: "a compare-and-swap needs no right to read",
    breaks: "a failed one tells a value to who may not read it",
    patches: [patch(RIGHTS, '(operation.answer !== "swapped" || rights.mayRead(where))', "true")],
    by: "sim",
  },
  {
    name: "a stale sign-in after a change of the password",
    breaks: "whoever signed in with the old password goes on",
    patches: [
      patch(
        RIGHTS,
        "if (actor.generation !== 0 && actor.generation !== user.generation) return NO_RIGHTS;\n",
        "",
      ),
    ],
    by: ["test/store/access.test.ts"],
  },
  {
    name: "rights are checked where a write enters and not where it is applied",
    breaks: "a right that is withdrawn holds on for what is under way, and at nodes that lag",
    patches: [
      patch(
        JUDGE,
        "this.#rights === null ? 0 : refusalOf(this.#rights, cursor, this.#bound);",
        "this.#rights?.isKnown === false && cursor.op > 0 ? deniedStatus(this.#rights) : 0;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a lease is revoked by whoever likes",
    breaks: "with a lease keys are deleted that its revoker may not write",
    patches: [
      patch(
        RIGHTS,
        "command.op !== OP.leaseRevoke || bound.areAll(command.lease, rights.mayWrite)",
        "command.op !== OP.leaseRevoke || bound.areAll(command.lease, () => true)",
      ),
    ],
    by: "sim",
  },
  {
    name: "keys of a lease are told to whoever asks",
    breaks: "a user is told of keys that it may not read",
    patches: [
      patch(
        "src/replica/turn/answer-reads.ts",
        "rights === null || page.keys.every((key) => rights.mayRead({ key }));",
        "rights === null || rights.isKnown;",
      ),
    ],
    by: "sim",
  },
  {
    name: "what was found of the keys of a lease is not looked at again",
    breaks: "a lease is revoked by who could write all that it had before",
    patches: [
      patch(
        "src/store/keys/leases.ts",
        "    lease.keys.add(key);\n    lease.judged = null;\n",
        "    lease.keys.add(key);\n",
      ),
    ],
    by: ["test/store/access.test.ts"],
  },
  {
    name: "the end of a permission is permitted",
    breaks: "a user may write the first key behind its prefix",
    patches: [patch(INTERVALS, "|| key < found.end)", "|| key <= found.end)")],
    by: "sim",
  },
  {
    name: "of a range only the first key is judged",
    breaks: "a user reads beyond what it may",
    patches: [
      patch(
        INTERVALS,
        "return interval.end === null || (end !== null && end <= interval.end);",
        "return true;",
      ),
    ],
    by: "sim",
  },
  {
    name: "reads are not judged when they are answered",
    breaks: "a user reads what it may not",
    patches: [
      patch(
        "src/replica/turn/answer-reads.ts",
        "if (rights !== null && !mayReadAll(rights, wanted))",
        "if (rights?.isKnown === false)",
      ),
    ],
    by: "sim",
  },
  {
    name: "a refusal for want of rights is not remembered",
    breaks: "a write that was refused takes effect when its repetition comes after the right",
    patches: [patch(STATE, "session.keep(sequence, denied, 0, undefined, hash);\n", "")],
    by: ["test/store/access.test.ts"],
  },
  {
    name: "a repetition tells what was found",
    breaks: "a user whose right was withdrawn is told a value again",
    patches: [
      patch(STATE, "    this.#answer.withhold(this.#judge.refusalOf(this.#cursor));\n", ""),
    ],
    by: ["test/store/access.test.ts"],
  },
  {
    name: "users are lost at a snapshot",
    breaks: "a node that took over a snapshot lets everybody in",
    patches: [
      patch(
        "src/store/snapshot-decoder.ts",
        "this.#header = { ...this.#header, access };",
        "void access;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a watch outlives its permission",
    breaks: "a user is told of changes of what it may not read any more",
    patches: [
      patch(
        "src/replica/watches/watch-rights.ts",
        "if (access.isOn || session.route.onlyWhileOn === true) this.#toJudge.add(session);",
        "",
      ),
    ],
    by: "sim",
  },
  {
    name: "a watch is judged by the rights that there were when it was created",
    breaks: "a user whose right was withdrawn is told of every later change",
    patches: [
      patch(
        "src/replica/watches/watch-rights.ts",
        "      if (refusal !== null) this.#denied(watch, refusal);\n",
        '      if (refusal?.code === "UNAUTHENTICATED") this.#denied(watch, refusal);\n',
      ),
    ],
    by: "sim",
  },
  {
    name: "a watch goes on while it is yet to be judged",
    breaks:
      "a user is told of what was changed after the right was withdrawn, until the watch ends",
    patches: [
      patch(
        "src/replica/watches/watch-hub.ts",
        "if (mayServe && this.#mayTell && this.#rights.judge()) this.#walks.feed();",
        "if (mayServe && this.#mayTell) this.#walks.feed();",
      ),
    ],
    by: ["test/replica/watch-rights.test.ts"],
  },
  {
    name: "a watch is created for who may read its first key",
    breaks: "a user watches keys that it may not read",
    patches: [
      patch(
        "src/replica/watches/watch-rights.ts",
        "if (rights.mayRead({ start, end })) return null;",
        "if (rights.mayRead({ key: start }) && end !== start) return null;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a token of a password that was changed is taken",
    breaks: "whoever has an old token signs in with it, and is told that all is well",
    patches: [
      patch(
        "src/server/gateway/sign-in.ts",
        "if (access.users.get(actor.name)?.generation !== actor.generation)\n      return refused(BAD_TOKEN_TEXT);",
        "",
      ),
    ],
    by: ["test/server/gateway/token-key.test.ts"],
  },
  {
    name: "the key of tokens is in backups",
    breaks: "whoever reads a backup signs in as whoever he likes",
    patches: [
      patch(
        "src/store/snapshots/frozen-state.ts",
        "const header = { ...this.#header, access: withoutTokenKey(this.#header.access) };",
        "const header = this.#header;",
      ),
    ],
    by: ["test/store/access.test.ts"],
  },
  {
    name: "a new key of tokens leaves in who came by the old one",
    breaks: "whoever forged a token stays until it ends",
    patches: [
      patch(
        "src/store/access/access-change.ts",
        "return { ...state, tokenKey, users };",
        "return { ...state, tokenKey, users: users.size > 0 ? state.users : users };",
      ),
    ],
    by: ["test/store/access.test.ts"],
  },
  {
    name: "a repetition is judged before it is looked for",
    breaks: "a client whose right was withdrawn is told that what took effect did not",
    patches: [
      patch(
        "src/replica/writes/client-writes.ts",
        "!state.hasOutcome(cursor.session, cursor.sequence)",
        "cursor.session >= 0",
      ),
    ],
    by: ["test/replica/access.test.ts"],
  },
  {
    name: "whoever finds no space is told where the bytes are",
    breaks: "a user is told of keys that it may not read",
    patches: [
      patch(
        "src/replica/writes/space.ts",
        ".filter(({ where }) => mayRead(state.access, { actor }, where))",
        ".filter(() => actor !== undefined && state.access !== undefined && mayRead !== undefined)",
      ),
    ],
    by: ["test/replica/space.test.ts"],
  },
  {
    name: "access control that is switched off frees whoever owes the secret",
    breaks: "a stranger without the cluster's secret may do everything",
    patches: [
      patch(
        "src/store/apply/rights.ts",
        "return onlyWhileOn === true ? SHUT_OUT : null;",
        "return onlyWhileOn === true ? null : null;",
      ),
    ],
    by: ["test/replica/access.test.ts", "test/replica/watch-rights.test.ts"],
  },
  {
    name: "whoever owes the secret stays when access control is switched off",
    breaks: "a stranger keeps a connection that nobody would give him",
    patches: [
      patch(
        "src/server/gateway/arrivals.ts",
        "if (!access.isOn) this.#shutOut();",
        "if (!access.isOn && this.#stopped) this.#shutOut();",
      ),
    ],
    by: ["test/server/gateway/shut-out.test.ts"],
  },
  {
    name: "strangers take the places of those who signed in",
    breaks: "nobodies from a few addresses keep everybody else from signing in",
    patches: [
      patch(
        "src/server/gateway/sign-in-queue.ts",
        "return lastMs !== undefined && this.#nowMs() - lastMs < KNOWN_MS;",
        "return lastMs !== undefined && this.#nowMs() < 0;",
      ),
    ],
    by: ["test/server/gateway/sign-in-queue.test.ts"],
  },
  {
    name: "a refused setting is told to hold",
    breaks:
      "a manager believes that a user has a right, or a limit holds, which the state has refused",
    patches: [
      patch(
        "src/replica/writes/setting-route.ts",
        "      if (status === STATUS.ok) return;\n",
        "      if (status !== ERRORS.FORBIDDEN.wire) return;\n",
      ),
      patch(
        "src/replica/writes/setting-route.ts",
        "import { type ErrorCode, errorCodeFromWire, KvError }",
        "import { ERRORS, type ErrorCode, errorCodeFromWire, KvError }",
      ),
    ],
    by: "sim",
  },
];
