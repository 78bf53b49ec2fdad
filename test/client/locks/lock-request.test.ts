/** The protocol of locks: what requests do to the store, in every order that dice can think of. */
import { describe, expect, test } from "vitest";
import {
  lockKeyIn,
  LOCKS_PREFIX,
  placeOf,
  waitPrefix,
  type LockMode,
} from "../../../src/client/locks/lock-keys.ts";
import { giveBack, type Waiting } from "../../../src/client/locks/hand-over.ts";
import { LockRequest, type LockWish } from "../../../src/client/locks/lock-request.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";
import { LockModel, type ModelAnswer } from "../lock-model.ts";

const PLACE = placeOf(LOCKS_PREFIX, "a lock");
const WAITING = waitPrefix(PLACE);

/** Somebody who asks for the lock, one step at a time. */
class Contender {
  readonly request: LockRequest;
  readonly lease: number;
  readonly mode: LockMode;
  readonly how: LockWish["how"];
  readonly #model: LockModel;
  /** An answer that is on its way. */
  #answer: ModelAnswer | null = null;
  #before: string[] = [];
  /** The revision at which it began to wait; 0: it does not. */
  since = 0;
  token = 0;
  /** What it knows itself: how many times it was told something. */
  wakes = 0;
  handed = 0;
  isOver = false;
  /** What it has read of who waits or holds, which may be old when it is told. */
  #found: readonly Waiting[] | string | null | undefined = undefined;

  constructor(model: LockModel, lease: number, mode: LockMode, how: LockWish["how"] = "wait") {
    this.#model = model;
    this.lease = lease;
    this.mode = mode;
    this.how = how;
    this.request = new LockRequest({ place: PLACE, id: `${lease}-1`, mode, lease, value: "", how });
  }

  get holds(): boolean {
    return this.request.step.do === "hold" && !this.isOver;
  }

  /** L3. Those who wait and came before, as far as they matter to it. */
  #lookBefore(): void {
    const since = this.since === 0 ? Infinity : this.since;
    this.#before = [...this.#model.keys].flatMap(([name, { createRevision }]) => {
      const key = lockKeyIn(LOCKS_PREFIX, name);
      const matters = this.mode === "exclusive" || key?.mode === "exclusive";
      return key?.isHeld === false && matters && createRevision < since ? [name] : [];
    });
  }

  /** @returns false: nothing can be done before somebody else does something */
  step(): boolean {
    if (this.isOver) return false;
    const model = this.#model;
    const { step } = this.request;
    if (step.do !== "hold" && this.#wasHandedOver()) return true;
    switch (step.do) {
      case "ask":
        if (this.#answer === null) {
          this.#lookBefore();
          this.#answer = model.txn(step.request);
          if (this.#answer === null) return this.#give();
          if (!this.#answer.succeeded && this.since === 0) this.since = this.#answer.revision;
          if (this.#answer.succeeded) {
            this.token = this.#answer.revision;
            this.#expectNobodyBefore();
          }
          return true;
        }
        this.request.answered(this.#answer);
        this.#answer = null;
        return true;
      case "look": {
        const found = this.#read(() => model.lastBefore(step.prefix, step.before));
        if (found !== undefined) this.request.found(found as string | null);
        return true;
      }
      case "front": {
        const found = this.#read(() => model.firstOf(step.prefix, 2));
        if (found !== undefined) this.request.foundFront(found as Waiting[]);
        return true;
      }
      case "holder": {
        const found = this.#read(() => model.firstOf(step.prefix, 1)) as Waiting[] | undefined;
        if (found !== undefined) this.request.foundHolder(found[0] ?? null);
        return true;
      }
      case "rest":
        this.request.rested();
        return true;
      case "wait": {
        const gone = model.history
          .get(String(step.key))
          ?.find(({ revision, createRevision }) => createRevision === 0 && revision > step.since);
        if (gone === undefined) return false;
        this.wakes += 1;
        this.request.gone(gone.revision);
        return true;
      }
      case "hold":
        return false;
      case "stop":
        return this.#give();
    }
    return false;
  }

  /** What it reads is told with the step after: meanwhile others go on. */
  #read(
    read: () => readonly Waiting[] | string | null,
  ): readonly Waiting[] | string | null | undefined {
    const found = this.#found;
    this.#found = found === undefined ? read() : undefined;
    return found;
  }

  /** As its watch tells it. */
  #wasHandedOver(): boolean {
    const { since, heldKey } = this.request;
    if (since === 0 || this.#answer !== null || this.token !== 0) return false;
    const put = this.#model.history.get(heldKey)?.find(({ revision }) => revision > since);
    if (put === undefined) return false;
    this.token = put.createRevision;
    this.#found = undefined;
    this.request.had(put.createRevision);
    return true;
  }

  #expectNobodyBefore(): void {
    if (this.how !== "steal" && this.#before.length > 0) {
      throw new Error(`took it past ${this.#before.join(" and ")}`);
    }
  }

  #give(): true {
    this.isOver = true;
    return true;
  }

  release(): void {
    this.isOver = true;
    this.#model.end(this.lease);
  }

  /** Hands it over to whoever it knows, then ends its lease. @param all who may be the next one */
  handOver(all: readonly Contender[], read: Waiting | null = this.request.next): void {
    const { step } = this.request;
    if (step.do !== "hold") throw new Error("hands over what it does not hold");
    const { token } = step;
    const next = all.find(({ lease }) => read?.key.endsWith(`/${lease}-1`));
    if (next !== undefined && !next.isOver) next.#lookBefore();
    const isHeld = this.#model.keys.get(this.request.heldKey)?.createRevision === token;
    const request = giveBack(PLACE, { key: this.request.heldKey, token }, read);
    const answer = this.#model.txn(request);
    const wasHandedOver = answer?.succeeded === true && request.compare !== undefined;
    if (wasHandedOver && !isHeld) throw new Error("handed over what it had lost");
    if (wasHandedOver && next !== undefined) next.#expectNobodyBefore();
    if (wasHandedOver) this.handed += 1;
    this.release();
  }
}

/** L1, of the store. */
function expectExclusion(model: LockModel): void {
  const held = [...model.keys.keys()]
    .map((key) => lockKeyIn(LOCKS_PREFIX, key)!)
    .filter(({ isHeld }) => isHeld);
  const exclusive = held.filter(({ mode }) => mode === "exclusive");
  // Looked at very often, and expectations take long.
  if (exclusive.length > 0 && held.length > 1) expect(held).toEqual(exclusive.slice(0, 1));
}

/** Steps until nobody can do anything. */
function settle(contenders: readonly Contender[]): void {
  while (contenders.some((each) => each.step()));
}

describe("requests for a lock", () => {
  test("are served in order, with growing tokens, and a release wakes one of a thousand", () => {
    const model = new LockModel();
    const all = Array.from({ length: 1000 }, (_, i) => new Contender(model, i + 1, "exclusive"));
    for (const each of all) while (each.step());
    let token = 0;
    for (const [i, holder] of all.entries()) {
      expect(holder.holds).toBe(true);
      expect(holder.token).toBeGreaterThan(token);
      token = holder.token;
      expectExclusion(model);
      if (i === 20) break;
      const before = all.map(({ wakes }) => wakes);
      holder.release();
      // Whoever waited for the one that holds now is the first of those who wait, and says so.
      for (const each of all.slice(i + 1, i + 4)) settle([each]);
      const woken = all.filter(({ wakes }, j) => wakes !== before[j]);
      expect(woken.length).toBeLessThanOrEqual(2);
      expect(all.slice(i + 4).some((each) => each.step())).toBe(false);
    }
  });

  test("shared ones hold together; one that comes after an exclusive one waits for it", () => {
    const model = new LockModel();
    const [a, b] = [new Contender(model, 1, "shared"), new Contender(model, 2, "shared")];
    const writer = new Contender(model, 3, "exclusive");
    const late = new Contender(model, 4, "shared");
    for (const each of [a, b, writer, late]) settle([each]);
    expect([a, b, writer, late].map(({ holds }) => holds)).toEqual([true, true, false, false]);
    a.release();
    settle([a, b, writer, late]);
    expect(writer.holds).toBe(false);
    b.release();
    settle([writer, late]);
    expect([writer, late].map(({ holds }) => holds)).toEqual([true, false]);
    writer.release();
    settle([late]);
    expect(late.holds).toBe(true);
    expect(late.token).toBeGreaterThan(writer.token);
  });

  test("to steal takes the lock from who holds it, and the next token is still larger", () => {
    const model = new LockModel();
    const [holder, waiting] = [
      new Contender(model, 1, "exclusive"),
      new Contender(model, 2, "exclusive"),
    ];
    settle([holder]);
    settle([waiting]);
    const thief = new Contender(model, 3, "exclusive", "steal");
    settle([thief]);
    expect(thief.holds).toBe(true);
    expectExclusion(model);
    expect(model.keys.has((holder.request.step as { key: string }).key)).toBe(false);
    settle([waiting]);
    expect(waiting.holds).toBe(false);
    thief.release();
    settle([waiting]);
    expect(waiting.token).toBeGreaterThan(thief.token);
  });

  test("if available or not at all; a request whose waiting key was taken away is lost", () => {
    const model = new LockModel();
    const [holder, other] = [
      new Contender(model, 1, "exclusive"),
      new Contender(model, 2, "exclusive", "ifAvailable"),
    ];
    settle([holder]);
    settle([other]);
    expect(other.request.step).toEqual({ do: "stop", why: "unavailable" });
    expect(model.keys.size).toBe(1);
    const waiting = new Contender(model, 3, "exclusive");
    settle([waiting]);
    for (const key of model.keys.keys()) if (key.includes("/wait/")) model.keys.delete(key);
    holder.release();
    settle([waiting]);
    expect(waiting.request.step).toEqual({ do: "stop", why: "lost" });
  });

  test("is handed over to nobody who has left the queue, and by nobody who has lost the lock", () => {
    const model = new LockModel();
    const [holder, waiting, last] = [1, 2, 3].map((i) => new Contender(model, i, "exclusive"));
    for (const each of [holder!, waiting!, last!]) settle([each]);
    const [next = null] = model.firstOf(WAITING, 1);
    // It has left by itself, its lease lives on.
    model.txn({ then: [{ op: "delete", key: next!.key }] });
    holder!.handOver([], next);
    expect([...model.keys.keys()].filter((key) => key.includes("/held/"))).toEqual([]);
    settle([last!]);
    expect(last!.holds).toBe(true);
    const late = new Contender(model, 4, "exclusive");
    settle([late]);
    const [behind = null] = model.firstOf(WAITING, 1);
    settle([new Contender(model, 5, "exclusive", "steal")]);
    last!.handOver([], behind);
    expectExclusion(model);
    expect(late.holds).toBe(false);
  });

  test("names are told apart, whatever is in them", () => {
    expect(placeOf(LOCKS_PREFIX, "a/held/x")).toBe(`${LOCKS_PREFIX}a%2Fheld%2Fx/`);
    const key = `${placeOf(LOCKS_PREFIX, "ä/b %")}wait/s/17`;
    expect(lockKeyIn(LOCKS_PREFIX, key)).toEqual({
      name: "ä/b %",
      isHeld: false,
      mode: "shared",
      id: "17",
    });
    expect(lockKeyIn(LOCKS_PREFIX, `${LOCKS_PREFIX}a/b`)).toBeNull();
    expect(lockKeyIn(LOCKS_PREFIX, `${LOCKS_PREFIX}%/held/x/1`)).toMatchObject({ name: "%" });
  });

  test("in any order, with leases that end at any time, one excludes the other, tokens grow and nobody waits for ever", () => {
    let held = 0;
    let handed = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      const dice = (sides: number): number => random.uint32() % sides;
      const model = new LockModel();
      const all: Contender[] = [];
      const tokens: number[] = [];
      for (let turn = 0; turn < 250; turn++) {
        const what = dice(20);
        if (what === 0 && all.length < 12) {
          const mode = dice(3) === 0 ? "shared" : "exclusive";
          const how =
            mode === "exclusive" && dice(10) === 0
              ? "steal"
              : dice(10) === 0
                ? "ifAvailable"
                : "wait";
          all.push(new Contender(model, all.length + 1, mode, how));
        } else if (what === 1 && all.length > 0) {
          // Its process dies, or is paused and does not know it: then it goes on stepping.
          model.end(all[dice(all.length)]!.lease);
        } else if (all.length > 0) {
          const each = all[dice(all.length)]!;
          const before = each.token;
          if (each.holds && dice(4) === 0) {
            const how = dice(3);
            if (how === 0) each.release();
            // What it knows may be as old as its request, or just read.
            else
              each.handOver(
                all,
                how === 1 ? each.request.next : (model.firstOf(WAITING, 1)[0] ?? null),
              );
          } else each.step();
          if (each.token !== before) {
            held += 1;
            // Who was handed the lock may hear of it when it is another one's already.
            expect(tokens).not.toContain(each.token);
            tokens.push(each.token);
          }
        }
        expectExclusion(model);
        expectFencing(model, all);
      }
      // Whoever holds gives it back; in the end nobody is left.
      for (let round = 0; round < 100 && all.some(({ isOver }) => !isOver); round++) {
        settle(all);
        for (const each of all) if (each.holds || model.ended.has(each.lease)) each.release();
        expectExclusion(model);
      }
      expect(all.filter(({ isOver }) => !isOver)).toEqual([]);
      expect(model.keys.size).toBe(0);
      for (const each of all) handed += each.handed;
    }
    expect(handed).toBeGreaterThan(50);
    expect(held).toBeGreaterThan(1000);
  });
});

/** Of all that believe to hold it, only those whose key is there with their token can write (and they exclude each other). */
function expectFencing(model: LockModel, all: readonly Contender[]): void {
  const writers = all.filter((each) => {
    const { step } = each.request;
    if (step.do !== "hold") return false;
    const guard = { key: step.key, createRevision: step.token };
    return model.txn({ compare: [guard] })?.succeeded === true;
  });
  const exclusive = writers.filter(({ mode }) => mode === "exclusive");
  if (exclusive.length > 0 && writers.length > 1) expect(writers).toEqual(exclusive.slice(0, 1));
  let largest = 0;
  for (const [key, states] of model.history) {
    if (lockKeyIn(LOCKS_PREFIX, key)?.isHeld !== true) continue;
    for (const { createRevision } of states) largest = Math.max(largest, createRevision);
  }
  for (const { token, mode } of writers)
    if (mode === "exclusive" && token !== largest) expect(token).toBe(largest);
}
