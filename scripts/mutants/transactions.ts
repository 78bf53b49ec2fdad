/** Bugs in transactions: halves of them, the wrong half, twice, or on what was not read. */
import { patch, type Mutant } from "./mutant.ts";

const PLAN = "src/store/apply/txn-plan.ts";
const STATE = "src/store/kv-state.ts";
const CLIENT_TESTS = ["test/client/txn/txn.test.ts"];

export const TRANSACTIONS: readonly Mutant[] = [
  {
    name: "a nested transaction takes its else",
    breaks: "a transaction within another one is decided by the outer comparisons",
    patches: [
      patch(
        PLAN,
        'if (op.op === "txn") nested.push(this.decide(op.txn));',
        'if (op.op === "txn") nested.push({ ...this.decide(op.txn), succeeded: false, nested: [] });',
      ),
    ],
    by: "sim",
  },
  {
    name: "a transaction applied twice after a lost answer",
    breaks: "a repetition of a transaction takes effect again",
    patches: [
      patch(
        "src/store/sessions/answer-at-hand.ts",
        "session.keep(sequence, kept.status, this.revision, kept.actual, hash);",
        "if (kept.status !== STATUS.ok) session.keep(sequence, kept.status, this.revision, kept.actual, hash);",
      ),
    ],
    by: "sim",
  },
  {
    name: "two revisions in one transaction",
    breaks: "a transaction counts each key that it changes",
    patches: [
      patch(
        STATE,
        "if (changes.size > 0) this.#changed(changes.size);",
        "for (const _ of changes) this.#changed(1);",
      ),
    ],
    by: "sim",
  },
  {
    name: "a comparison sees the transaction's own writes",
    breaks: "a nested transaction is decided by what the outer one has just done",
    patches: [
      patch(
        PLAN,
        'const decision = op.op === "txn" ? nested[next++] : undefined;',
        'const decision = op.op === "txn" ? (next++, this.decide(op.txn)) : undefined;',
      ),
      patch(PLAN, "this.#counts() ? this.#cells.get(key)", "this.#counts() ? this.#now(key)"),
      patch(
        PLAN,
        "  /** @returns whether one more key may be looked at */",
        "  #now(key: ByteString): StoredValue | undefined { const change = this.changes.get(key); return change === undefined ? this.#cells.get(key) : (change ?? undefined); }\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "a transaction's quota judged change by change",
    breaks: "a transaction that swaps a large value for another one is refused, or done in part",
    patches: [
      patch(
        STATE,
        "if (growth > 0 && growth > this.quotaBytes - this.contentBytes) {",
        "if ([...changes].some(([, change]) => change !== null && change.value.length > this.quotaBytes - this.contentBytes)) {",
      ),
    ],
    by: ["test/store/txn.test.ts"],
  },
  {
    name: "a transaction done until the quota is used up",
    breaks: "NO_SPACE leaves what came before in the transaction",
    patches: [
      patch(
        STATE,
        "if (growth > 0 && growth > this.quotaBytes - this.contentBytes) {",
        "if (growth > 0 && growth > this.quotaBytes - this.contentBytes && changes.size === 1) {",
      ),
      patch(
        STATE,
        "makeChanges(this.#cells, changes, next);",
        "makeChanges(this.#cells, growth > this.quotaBytes - this.contentBytes ? new Map([...changes].slice(0, 1)) : changes, next);",
      ),
    ],
    by: ["test/store/txn.test.ts"],
  },
  {
    name: "the number of keys in a range compared wrongly",
    breaks: "a commit does not notice that a key of a range that was read has gone",
    patches: [
      patch(PLAN, "return stands(count, is, to);", "return count <= to || stands(count, is, to);"),
    ],
    by: "sim",
  },
  {
    name: "a range that was read is checked without its number of keys",
    breaks: "transact does not notice that a key of a range that it read has gone",
    patches: [patch("src/client/txn/transact.ts", "        { range, count },\n", "")],
    by: CLIENT_TESTS,
  },
  {
    name: "a range compared by its first key alone",
    breaks: "a commit does not notice that another key of a range that was read has changed",
    patches: [
      patch(
        PLAN,
        "allHold &&= holds;\n      return holds;",
        "allHold &&= holds;\n      return false;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a key that was not there is not checked",
    breaks: "transact does not notice that a key has come which it found missing",
    patches: [
      patch(
        "src/client/txn/transact.ts",
        "this.#keysRead.set(name, result.found ? result.modRevision : 0);",
        "if (result.found) this.#keysRead.set(name, result.modRevision);",
      ),
    ],
    by: CLIENT_TESTS,
  },
  {
    name: "transact tries again when it does not know",
    breaks: "a transaction whose commit has an unknown outcome is carried out once more",
    patches: [
      patch(
        "src/client/txn/transact.ts",
        "const answer = await this.#source.txn({ compare, then }, this.#options);\n    return answer.succeeded ? answer.revision : null;",
        "const answer = await this.#source.txn({ compare, then }, this.#options).catch(() => null);\n    return answer?.succeeded === true ? answer.revision : null;",
      ),
    ],
    by: CLIENT_TESTS,
  },
  {
    name: "the repeated answer of a transaction says then",
    breaks: "a transaction that took its else is told as committed when its answer was lost",
    patches: [
      patch(
        "src/store/sessions/txn-kept.ts",
        "return { status: STATUS.txnElse, results: NO_RESULTS };",
        "return { status: STATUS.txnThen, results: NO_RESULTS };",
      ),
    ],
    by: "sim",
  },
  {
    name: "a transaction that deletes is not remembered",
    breaks: "repeated, it deletes what was written since",
    patches: [
      patch(
        "src/store/txn/txn-check.ts",
        "return hasOp(txn, isPut) || hasOp(txn, isDelete);",
        "return hasOp(txn, isPut);",
      ),
    ],
    by: ["test/store/txn.test.ts"],
  },
  {
    name: "transactions that only read are remembered",
    breaks: "sessions keep what they find: a full heap grows on",
    patches: [
      patch(
        STATE,
        "if (this.rules.isBefore8 || mayChange(txn))",
        "if (this.rules.isBefore8 || mayChange(txn) || this.#answer.actual !== undefined)",
      ),
    ],
    by: ["test/store/txn.test.ts"],
  },
  {
    name: "the history of the second key of a transaction lost",
    breaks: "reads at an old revision see the wrong key, or the newest value",
    patches: [
      patch(
        "src/store/history/history-chunk.ts",
        "if (length === key.length && reader.isAt(start, key)) return true;",
        "if (length > 0) return true;",
      ),
    ],
    by: ["test/store/txn.test.ts"],
  },
];
