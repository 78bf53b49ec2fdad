/** What the history says was changed, against what was done: every change, in order, with what was before and after it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { byteStringOfText } from "../../src/base/byte-string.ts";
import { changesAt, changesIn, KvState, textOf, type Change } from "../../src/store/index.ts";
import { compact, open, run } from "./helpers.ts";

type Told = readonly [revision: number, key: string, before: string | null, after: string | null];

function told({ revision, key, before, after }: Change): Told {
  const text = ({ version, value }: Change["before"]): string | null =>
    version === 0 ? null : textOf(value);
  return [revision, textOf(key), text(before), text(after)];
}

test("changes of any piece of the history are those that were made", () => {
  const name = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ op: fc.constant("write" as const), key: name, value: fc.string({ maxLength: 2 }) }),
    fc.record({ op: fc.constant("delete" as const), key: name }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.nat(),
      fc.nat(),
      (steps, a, b) => {
        const state = new KvState();
        const session = open(state, 1);
        const content = new Map<string, string>();
        const made: Told[] = [];
        steps.forEach((each, i) => {
          const { revision } = run(state, session, i + 1, each);
          const before = content.get(each.key) ?? null;
          if (each.op === "write") content.set(each.key, each.value);
          else if (!content.delete(each.key)) return;
          made.push([revision, each.key, before, content.get(each.key) ?? null]);
        });
        if (made.length === 0) return;
        const oldest = a % made.length;
        if (oldest > 0) compact(state, oldest);
        const from = oldest + 1;
        const to = from + (b % (made.length - oldest));
        const { cells } = state;
        const wanted = byteStringOfText("b");
        const piece = made.slice(from - 1, to);
        expect(changesIn(cells, from, to, () => true).map(told)).toEqual(piece);
        expect(changesIn(cells, from, to, (key) => key === wanted).map(told)).toEqual(
          piece.filter(([, key]) => key === "b"),
        );
        const [, key] = piece[0]!;
        expect(changesAt(cells, from, [byteStringOfText(key)]).map(told)).toEqual([piece[0]]);
      },
    ),
  );
});
