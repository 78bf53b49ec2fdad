/** Nothing in the picture overlaps or leaves it, on a phone and on a wall. */
import { describe, expect, test } from "vitest";
import {
  beside,
  keptInside,
  ringLayout,
  type Point,
  type RingLayout,
} from "../../src/page/views/ring-layout.ts";

const WIDTHS = [318, 342, 520, 790, 1200];
/** Of a link's label, at most: half of it. */
const LABEL = { wide: { x: 26, y: 14 }, compact: { x: 19, y: 11 } };

const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

function overlaps(a: Point, b: Point, width: number, height: number): boolean {
  return Math.abs(a.x - b.x) < width && Math.abs(a.y - b.y) < height;
}

function everyPair<T>(items: readonly T[], visit: (a: T, b: T) => void): void {
  items.forEach((a, i) => {
    for (const b of items.slice(i + 1)) visit(a, b);
  });
}

const CASES = [1, 2, 3, 4, 5].flatMap((count) =>
  WIDTHS.map((width): [number, number, RingLayout] => [
    count,
    width,
    ringLayout(ids(count), width),
  ]),
);

describe.each(CASES)("%d nodes on %d pixels", (count, width, layout) => {
  const { card, height } = layout;
  const nodes = [...layout.nodes.values()];

  test("all cards are inside, and apart", () => {
    expect(nodes).toHaveLength(count);
    for (const { x, y } of nodes) {
      expect(x - card.width / 2).toBeGreaterThanOrEqual(0);
      expect(x + card.width / 2).toBeLessThanOrEqual(width);
      expect(y - card.height / 2).toBeGreaterThanOrEqual(0);
      expect(y + card.height / 2).toBeLessThanOrEqual(height);
    }
    everyPair(nodes, (a, b) => expect(overlaps(a, b, card.width, card.height)).toBe(false));
  });

  test("every pair has a link, whose label hides neither card nor label", () => {
    expect(layout.links).toHaveLength((count * (count - 1)) / 2);
    const label = layout.compact ? LABEL.compact : LABEL.wide;
    for (const { label: at } of layout.links) {
      for (const node of nodes) {
        const near = overlaps(at, node, card.width / 2 + label.x, card.height / 2 + label.y);
        expect(near).toBe(false);
      }
    }
    everyPair(layout.links, (a, b) =>
      expect(overlaps(a.label, b.label, label.x * 2, label.y * 2)).toBe(false),
    );
  });
});

describe("geometry", () => {
  test("the first node is at the top, the others follow clockwise", () => {
    const { nodes } = ringLayout([7, 8, 9], 800);
    const [top, right, left] = [7, 8, 9].map((id) => nodes.get(id)!);
    expect(top!.y).toBeLessThan(right!.y);
    expect(right!.y).toBeCloseTo(left!.y);
    expect(right!.x).toBeGreaterThan(left!.x);
  });

  test("lines begin outside the cards", () => {
    const { nodes, links, card } = ringLayout(ids(5), 800);
    for (const { a, b, from, to } of links) {
      expect(overlaps(from, nodes.get(a)!, card.width / 2, card.height / 2)).toBe(false);
      expect(overlaps(to, nodes.get(b)!, card.width / 2, card.height / 2)).toBe(false);
    }
  });

  test("both directions of a link run on different sides of it", () => {
    const [a, b] = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
    ];
    const [there] = beside(a, b, 4);
    const [, back] = beside(b, a, 4);
    expect(there.y).toBe(-back.y);
    expect(Math.abs(there.y)).toBe(4);
  });

  test("a menu stays inside", () => {
    expect(keptInside(10, 200, 390)).toBe(0);
    expect(keptInside(380, 200, 390)).toBe(190);
    expect(keptInside(195, 200, 390)).toBe(95);
  });
});
