/**
 * Strict serializability by revisions: answers name the place of their transaction in the order of all, so nothing is searched for.
 *
 * Invariants:
 *   REVISION-1. A revision is taken by one transaction that changes something, and by no other. A transaction that changes nothing
 *       comes after the one that took its revision, and before the next.
 *   REVISION-2. Carried out in this order, every answer is as it was told, as far as the content is known.
 *   REVISION-3. A transaction answered before another was asked has no later revision than that one, and an earlier one if the
 *       other changed something.
 *   REVISION-4. A revision that no answer names was taken by a transaction whose answer was lost: by one that wrote what others saw
 *       of the revision, and was asked before any answer at that revision or later. When several may have taken it, their keys are
 *       not known after it.
 */
import {
  describeStoreOperation,
  ETCD_EMPTY_REVISION,
  type StoreHistory,
  type StoreOperation,
} from "./store-history.ts";
import { StoreState, type Held } from "./state.ts";
import {
  changesSomething,
  covers,
  keysOf,
  leavesOf,
  planOf,
  resultsIn,
  tellsOfChange,
  type Leaf,
  type Step,
} from "./steps.ts";

/** Something that no correct store answers, in words that name the lines it was seen in. */
export interface StoreAnomaly {
  readonly kind: "answer" | "real-time" | "revision" | "watch";
  readonly text: string;
}

/** What a revision changed. */
export interface RevisionChange {
  /** By key; null: deleted. Before it: null: not there; undefined: not known. */
  readonly keys: ReadonlyMap<string, { readonly after: Held; readonly before: Held | undefined }>;
}

export interface Replayed {
  readonly anomalies: readonly StoreAnomaly[];
  /** The changes of the revisions whose transaction is known. */
  readonly changes: ReadonlyMap<number, RevisionChange>;
  readonly operations: number;
  readonly leftOut: { readonly unseen: number; readonly unsure: number };
}

const ANOMALIES_MAX = 10;

export function replay(history: StoreHistory): Replayed {
  return new Replay(history).run();
}

class Replay {
  readonly #history: StoreHistory;
  readonly #state = new StoreState();
  readonly #anomalies: StoreAnomaly[] = [];
  readonly #changes = new Map<number, RevisionChange>();
  readonly #takers = new Map<number, StoreOperation>();
  /** The changes that other clients saw at revisions: values by key; null: deleted. */
  readonly #evidence = new Map<number, Map<string, string | null>>();
  readonly #revocations = new Map<number, StoreOperation[]>();
  readonly #unused: Set<StoreOperation>;
  readonly #emptyRevision: number;
  #revision: number;
  /** Revisions that an unknown transaction took. */
  #unsure = 0;

  constructor(history: StoreHistory) {
    this.#history = history;
    this.#emptyRevision = history.emptyRevision ?? ETCD_EMPTY_REVISION;
    this.#revision = this.#emptyRevision;
    this.#unused = new Set(history.operations.filter(({ outcome }) => outcome === "unknown"));
  }

  run(): Replayed {
    const answered = this.#history.operations.filter(
      ({ outcome, revision }) => outcome === "ok" && revision !== null,
    );
    for (const operation of answered) {
      if (takesRevision(operation)) this.#take(operation);
      const { request, revision } = operation;
      if (request.kind !== "revoke" || revision === null) continue;
      const others = this.#revocations.get(revision);
      if (others === undefined) this.#revocations.set(revision, [operation]);
      else others.push(operation);
    }
    this.#collectEvidence(answered);
    const ordered = answered
      .map((operation) => ({ operation, place: placeOf(operation), call: operation.call }))
      .sort((a, b) => a.place - b.place || this.#rank(a) - this.#rank(b) || a.call - b.call);
    const firstEnds = firstEndsOf(ordered);
    this.#begin(ordered);
    ordered.forEach(({ operation, place }, i) => {
      const isTaker = this.#takers.get(place) === operation;
      while (this.#revision < (isTaker ? place - 1 : place)) {
        const next = this.#revision + 1;
        if (!this.#takers.has(next) && !this.#revokeAt(next))
          this.#fill(next, firstEnds[i] ?? Infinity);
        this.#revision = next;
      }
      this.#carryOut(operation, place);
    });
    this.#checkTime(answered);
    return {
      anomalies: this.#anomalies,
      changes: this.#changes,
      operations: answered.length,
      leftOut: { unseen: this.#unused.size, unsure: this.#unsure },
    };
  }

  /** REVISION-1. */
  #take(operation: StoreOperation): void {
    const revision = operation.revision ?? 0;
    const other = this.#takers.get(revision);
    if (other === undefined) this.#takers.set(revision, operation);
    else this.#report("revision", `two took revision ${revision}`, other, operation);
  }

  #collectEvidence(answered: readonly StoreOperation[]): void {
    const note = (revision: number, key: string, value: string | null): void => {
      let seen = this.#evidence.get(revision);
      if (seen === undefined) this.#evidence.set(revision, (seen = new Map()));
      seen.set(key, value);
    };
    for (const { answer } of answered) {
      for (const { found } of resultsIn(answer)) {
        for (const { key, value, modRevision } of found) note(modRevision, key, value);
      }
    }
    for (const { responses } of this.#history.watches) {
      for (const { events } of responses) {
        for (const { revision, key, value } of events) note(revision, key, value);
      }
    }
  }

  /** A store that was in use before the first answer has unknown content. */
  #begin(ordered: readonly { readonly place: number }[]): void {
    if (this.#history.isShared === true) return;
    const empty = this.#emptyRevision;
    const first = ordered[0]?.place ?? empty;
    if (first <= empty + 1 || this.#unused.size >= first - empty - 1) return;
    this.#state.forgetAll();
    this.#revision = first - 1;
  }

  /** REVISION-1. The transaction that took a revision comes before those that only saw it. */
  #rank({ operation, place }: { operation: StoreOperation; place: number }): number {
    return this.#takers.get(place) === operation ? 0 : 1;
  }

  /** Whether one of the revocations that were answered at a revision ended keys, and so took it. */
  #revokeAt(revision: number): boolean {
    for (const { request } of this.#revocations.get(revision) ?? []) {
      if (request.kind !== "revoke" || this.#state.withLease(request.lease).length === 0) continue;
      this.#revoke(request.lease, revision);
      return true;
    }
    return false;
  }

  /** REVISION-4. */
  #fill(revision: number, firstEnd: number): void {
    const evidence = this.#evidence.get(revision) ?? new Map<string, string | null>();
    // In a part of a history it may have been a client whose requests are not in it.
    const candidates = this.#history.isWhole
      ? [...this.#unused].filter(
          (operation) => operation.call <= firstEnd && this.#explains(operation, evidence),
        )
      : [];
    if (this.#history.isShared === true && evidence.size === 0) {
      if (candidates.length > 0) this.#unsure += 1;
      this.#forget(candidates);
      return;
    }
    const [first] = candidates;
    const requests = new Set(candidates.map(({ request }) => JSON.stringify(request)));
    if (first !== undefined && requests.size === 1 && this.#assign(first, revision, evidence)) {
      this.#unused.delete(first);
      return;
    }
    this.#unsure += 1;
    if (first === undefined) {
      // A revocation may have ended keys of which it is not known that they had the lease.
      if (this.#history.isWhole && !this.#revocations.has(revision)) {
        const seen = [...evidence].map(([key, value]) => `${JSON.stringify(key)} = ${value}`);
        const what = seen.length === 0 ? "" : `, which changed ${seen.join(", ")}`;
        this.#report("revision", `nobody took revision ${revision}${what}`);
      }
      this.#state.forgetAll();
    } else this.#forget(candidates);
    for (const [key, value] of evidence) {
      const held =
        value === null ? null : { value, modRevision: revision, version: null, lease: null };
      this.#state.set(key, held);
    }
  }

  /** What any of them may have changed. */
  #forget(candidates: readonly StoreOperation[]): void {
    for (const { request } of candidates) {
      if (request.kind === "txn") for (const key of keysOf(request)) this.#state.forget(key);
      if (request.kind !== "revoke") continue;
      for (const key of this.#state.withLease(request.lease)) this.#state.forget(key);
    }
  }

  /** Whether it may have taken the next revision, and changed there what others saw. */
  #explains({ request }: StoreOperation, evidence: ReadonlyMap<string, string | null>): boolean {
    if (request.kind === "range") return false;
    if (request.kind === "revoke") return [...evidence.values()].every((value) => value === null);
    const steps = planOf(this.#state, request, null);
    if (steps !== null) {
      const ops = steps.map(({ op }) => op);
      return ops.some((op) => changesSomething(this.#state, op)) && covers(ops, evidence);
    }
    return [request.success, request.failure].some((half) => {
      const ops = leavesOf(half);
      return ops.some(({ kind }) => kind !== "range") && covers(ops, evidence);
    });
  }

  /** @returns false: which half of it was done is not known */
  #assign(
    { request }: StoreOperation,
    revision: number,
    evidence: ReadonlyMap<string, string | null>,
  ): boolean {
    if (request.kind === "range") return false;
    if (request.kind === "revoke") {
      this.#revoke(request.lease, revision);
      return true;
    }
    const steps = planOf(this.#state, request, null);
    if (steps === null) return false;
    const ops = steps.map(({ op }) => op);
    if (!covers(ops, evidence)) return false;
    const before = this.#remember(ops);
    for (const op of ops) this.#apply(op, revision);
    this.#note(revision, before);
    return true;
  }

  #carryOut(operation: StoreOperation, place: number): void {
    const { request, answer } = operation;
    if (request.kind === "revoke") return;
    if (request.kind === "range") {
      const [result] = answer?.results ?? [];
      if (result === undefined) return;
      const wrong = this.#state.compareRange(request.range, request.limit, result);
      if (wrong !== null) this.#report("answer", `at revision ${place} ${wrong}`, operation);
      return;
    }
    const steps = planOf(this.#state, request, answer, (what) =>
      this.#report("answer", `at revision ${this.#revision} ${what}`, operation),
    );
    const isTaker = this.#takers.get(place) === operation;
    if (steps === null) {
      for (const key of keysOf(request)) this.#state.forget(key);
    } else {
      const before = this.#remember(steps.map(({ op }) => op));
      for (const step of steps) this.#one(operation, step, place, isTaker);
      if (isTaker) this.#note(place, before);
    }
    if (isTaker) this.#revision = place;
  }

  /** One operation of a transaction, and what was told of it. */
  #one(operation: StoreOperation, { op, told }: Step, place: number, isTaker: boolean): void {
    if (op.kind === "range") {
      const wrong = told === undefined ? null : this.#state.compareRange(op.range, op.limit, told);
      if (wrong !== null) this.#report("answer", `at revision ${place} ${wrong}`, operation);
      return;
    }
    if (op.kind === "delete") {
      const held = this.#state.get(op.key);
      const count = held === null ? 0 : 1;
      if (told !== undefined && held !== undefined && told.deleted !== count) {
        const what = `${JSON.stringify(op.key)} was ${count === 0 ? "not " : ""}there to delete`;
        this.#report("answer", `at revision ${place} ${what}`, operation);
      }
    }
    if (isTaker || op.kind === "delete") this.#apply(op, place);
  }

  #apply(op: Leaf, revision: number): void {
    if (op.kind === "put") this.#state.put(op, revision);
    else if (op.kind === "change") this.#state.forget(op.key);
    else if (op.kind === "delete") this.#state.set(op.key, null);
  }

  #revoke(lease: string, revision: number): void {
    const before = new Map<string, Held | undefined>();
    for (const key of this.#state.withLease(lease)) {
      before.set(key, this.#state.get(key));
      this.#state.set(key, null);
    }
    const maybe = this.#state.withLease(null);
    // Keys that are not known may have ended too.
    if (this.#state.isSure && maybe.length === 0) this.#note(revision, before);
    for (const key of maybe) this.#state.forget(key);
    for (const [key, value] of this.#evidence.get(revision) ?? []) {
      if (value === null) this.#state.set(key, null);
    }
  }

  #remember(ops: readonly Leaf[]): Map<string, Held | undefined> {
    const before = new Map<string, Held | undefined>();
    for (const op of ops) if (op.kind !== "range") before.set(op.key, this.#state.get(op.key));
    return before;
  }

  #note(revision: number, before: ReadonlyMap<string, Held | undefined>): void {
    const keys = new Map<string, { after: Held; before: Held | undefined }>();
    for (const [key, held] of before) {
      const after = this.#state.get(key) ?? null;
      if (after !== null || held !== null) keys.set(key, { after, before: held });
    }
    this.#changes.set(revision, { keys });
  }

  /** REVISION-3. */
  #checkTime(answered: readonly StoreOperation[]): void {
    const now = answered.filter(({ request }) => request.kind !== "range" || request.at === 0);
    const byCall = now.toSorted((a, b) => a.call - b.call);
    const byEnd = now.toSorted((a, b) => a.end - b.end);
    let highest: StoreOperation | null = null;
    let next = 0;
    for (const operation of byCall) {
      for (; next < byEnd.length; next++) {
        const earlier = byEnd[next];
        if (earlier === undefined || earlier.end >= operation.call) break;
        if (highest === null || (earlier.revision ?? 0) > (highest.revision ?? 0))
          highest = earlier;
      }
      if (highest === null) continue;
      const [before, after] = [highest.revision ?? 0, operation.revision ?? 0];
      const isTaker = this.#takers.get(after) === operation;
      if (before < after || (before === after && !isTaker)) continue;
      const what = `revision ${after} was answered to what began after revision ${before} had been told`;
      this.#report("real-time", what, highest, operation);
    }
  }

  #report(kind: StoreAnomaly["kind"], what: string, ...operations: StoreOperation[]): void {
    if (this.#anomalies.length >= ANOMALIES_MAX) return;
    const lines = operations.map((each) => `  ${describeStoreOperation(each)}`);
    this.#anomalies.push({ kind, text: [`${kind}: ${what}`, ...lines].join("\n") });
  }
}

/** At which revision its answer holds. */
function placeOf({ request, revision }: StoreOperation): number {
  return request.kind === "range" && request.at > 0 ? request.at : (revision ?? 0);
}

/** Whether it changed something, by its answer. The answer of a revocation does not say. */
function takesRevision({ request, answer }: StoreOperation): boolean {
  return request.kind === "txn" && (answer === null || tellsOfChange(request, answer));
}

/** For each place in the order: when the first was answered at it or later. */
function firstEndsOf(ordered: readonly { readonly operation: StoreOperation }[]): Float64Array {
  const ends = new Float64Array(ordered.length);
  let first = Number.POSITIVE_INFINITY;
  for (let i = ordered.length - 1; i >= 0; i--) {
    first = Math.min(first, ordered[i]?.operation.end ?? Infinity);
    ends[i] = first;
  }
  return ends;
}
