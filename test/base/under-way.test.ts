/** UnderWay does what a Map from numbers would, filled in ascending order. */
import { expect, test } from "vitest";
import fc from "fast-check";
import { UnderWay } from "../../src/base/under-way.ts";

const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), gap: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("take" as const), number: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ kind: fc.constant("takeWhere" as const), divisor: fc.integer({ min: 1, max: 5 }) }),
);

test("what is added, looked up and taken out is as with a Map", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const underWay = new UnderWay<{ readonly id: number }>();
      const model = new Map<number, { readonly id: number }>();
      let last = 0;
      for (const given of steps) {
        if (given.kind === "add") {
          last += given.gap;
          const item = { id: last };
          underWay.add(last, item);
          model.set(last, item);
        } else if (given.kind === "take") {
          expect(underWay.take(given.number)).toBe(model.get(given.number));
          model.delete(given.number);
        } else {
          const isTaken = ({ id }: { readonly id: number }): boolean => id % given.divisor === 0;
          const taken = [...model.values()].filter(isTaken);
          expect(underWay.takeWhere(isTaken)).toEqual(taken);
          for (const { id } of taken) model.delete(id);
        }
        expect(underWay.items).toEqual([...model.values()]);
        expect(underWay.size).toBe(model.size);
        for (let number = 0; number <= last + 1; number++) {
          expect(underWay.get(number)).toBe(model.get(number));
        }
      }
    }),
  );
});

test("a number that is not greater than the last one is a mistake of the caller", () => {
  const underWay = new UnderWay<string>();
  underWay.add(3, "a");
  expect(() => underWay.add(3, "b")).toThrow("3 is added out of order");
});
