/** The numbers of a client's writes, against a map of those that have no answer. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SESSION_WINDOW } from "../../../src/base/index.ts";
import { ClientSession } from "../../../src/client/core/client-session.ts";
import { newRequest, type WriteRequest } from "../../../src/client/core/request.ts";

function newWrite(): WriteRequest {
  const operation = { kind: "write", key: new Uint8Array(1), value: new Uint8Array(1) } as const;
  const request = newRequest(operation, null, 1000, 1000, () => {});
  if (!request.isWrite) throw new Error("a write is a write");
  return request;
}

function openedSession(id = 7): ClientSession {
  const session = new ClientSession((length) => new Uint8Array(length));
  session.opened(session.nonce, id);
  return session;
}

describe("numbers of writes", () => {
  test("each is found by its number until it is released, in whatever order", () => {
    const step = fc.oneof(
      fc.constant("admit" as const),
      fc.constant("take" as const),
      fc.nat({ max: 1000 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const session = openedSession();
        const model = new Map<number, WriteRequest>();
        let next = 1;
        for (const what of steps) {
          if (what === "admit") {
            const request = newWrite();
            expect(session.admit(request)).toBe(true);
            expect(request.number).toBe(next++);
            model.set(request.number, request);
          } else if (what === "take") expect(session.takeNumber()).toBe(next++);
          else {
            const [number, request] = [...model][what % Math.max(1, model.size)] ?? [0, null];
            if (request === null) continue;
            session.release(request);
            session.release(request);
            model.delete(number);
          }
          expect(session.unanswered()).toEqual([...model.values()]);
          expect(session.floor).toBe(Math.min(next, ...model.keys()));
          for (let number = 0; number <= next; number++) {
            expect(session.get(7, number)).toBe(model.get(number));
            expect(session.get(8, number)).toBe(undefined);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("go no further than the window beyond the oldest that has no answer", () => {
    const session = openedSession();
    const requests = Array.from({ length: SESSION_WINDOW }, newWrite);
    for (const request of requests) expect(session.admit(request)).toBe(true);
    const late = newWrite();
    expect(session.admit(late)).toBe(false);
    const [oldest, second] = requests;
    if (oldest === undefined || second === undefined) throw new Error("there are two");
    session.release(second);
    expect(session.admit(late)).toBe(false);
    session.release(oldest);
    expect(session.admit(late)).toBe(true);
    expect(session.get(7, late.number)).toBe(late);
    expect(session.floor).toBe(3);
  });

  test("go on in the next session, in which only what it numbers counts", () => {
    const session = openedSession();
    const [old, fresh] = [newWrite(), newWrite()];
    session.admit(old);
    session.expired();
    expect(session.admit(fresh)).toBe(false);
    session.opened(session.nonce, 9);
    expect(session.admit(fresh)).toBe(true);
    expect([session.get(7, 1), session.get(9, 1), session.get(9, 2)]).toEqual([
      old,
      undefined,
      fresh,
    ]);
  });
});
