/** Where nodes, lines and labels go, in pixels of the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface LinkPlace {
  readonly a: number;
  readonly b: number;
  /** Where the line leaves the card of a, and of b. */
  readonly from: Point;
  readonly to: Point;
  readonly label: Point;
}

export interface RingLayout {
  readonly width: number;
  readonly height: number;
  readonly card: { readonly width: number; readonly height: number };
  /** There is little room, so labels are short. */
  readonly compact: boolean;
  /** Centres of the nodes' cards. */
  readonly nodes: ReadonlyMap<number, Point>;
  readonly links: readonly LinkPlace[];
}

const MARGIN = 6;
const GAP = 5;
/** Wider than this for its height a ring is no ring any more. */
const ASPECT_MAX = 1.75;
/** In narrower pictures large cards leave no room for lines. */
const WIDE_FROM = 520;
const WIDE_FROM_CROWDED = 560;

export function ringLayout(ids: readonly number[], width: number): RingLayout {
  const crowded = ids.length > 3;
  const compact = width < (crowded ? WIDE_FROM_CROWDED : WIDE_FROM);
  const card = compact
    ? { width: crowded ? 93 : 112, height: 92 }
    : { width: ids.length > 7 ? 126 : 166, height: 104 };
  const height = compact ? (crowded ? 450 : 340) : crowded ? 460 : 350;
  const centre = { x: width / 2, y: height / 2 };
  const reachY = Math.max(0, height / 2 - card.height / 2 - MARGIN);
  const reachX = Math.max(0, Math.min(width / 2 - card.width / 2 - MARGIN, reachY * ASPECT_MAX));
  const unit = unitRing(ids.length);
  const nodes = new Map(
    ids.map((id, i) => {
      const { x, y } = unit[i] ?? { x: 0, y: 0 };
      return [id, { x: centre.x + x * reachX, y: centre.y + y * reachY }];
    }),
  );
  const links = ids.flatMap((a, i) =>
    ids.slice(i + 1).map((b, k): LinkPlace => {
      const from = nodes.get(a) ?? centre;
      const to = nodes.get(b) ?? centre;
      return {
        a,
        b,
        from: leave(from, to, card),
        to: leave(to, from, card),
        label: between(from, to, labelAt(k + 1, ids.length)),
      };
    }),
  );
  return { width, height, card, compact, nodes, links };
}

/** A line beside another, to its left as seen from `from`. */
export function beside(from: Point, to: Point, distance: number): readonly [Point, Point] {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const x = ((to.y - from.y) / length) * distance;
  const y = (-(to.x - from.x) / length) * distance;
  return [
    { x: from.x + x, y: from.y + y },
    { x: to.x + x, y: to.y + y },
  ];
}

export function between(from: Point, to: Point, part: number): Point {
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

/** Left edge of something `size` wide that should be centred at `x`, kept inside. */
export function keptInside(x: number, size: number, width: number): number {
  return Math.max(0, Math.min(x - size / 2, width - size));
}

/** Clockwise from the top, stretched so that it fills -1 to 1 both ways. */
function unitRing(count: number): Point[] {
  if (count === 1) return [{ x: 0, y: 0 }];
  if (count === 2) {
    return [
      { x: -1, y: 0 },
      { x: 1, y: 0 },
    ];
  }
  const points = Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    return { x: Math.cos(angle), y: Math.sin(angle) };
  });
  const width = Math.max(...points.map(({ x }) => x));
  const bottom = Math.max(...points.map(({ y }) => y));
  return points.map(({ x, y }) => ({ x: x / width, y: ((y + 1) / (bottom + 1)) * 2 - 1 }));
}

/** A link through the centre has its label off the middle, or all such labels would lie on each other. */
function labelAt(steps: number, count: number): number {
  return count >= 4 && steps * 2 === count ? 0.36 : 0.5;
}

/** Where the line from the centre of a card towards `to` is out of the card. */
function leave(
  centre: Point,
  to: Point,
  card: { readonly width: number; readonly height: number },
): Point {
  const dx = to.x - centre.x;
  const dy = to.y - centre.y;
  const partX = dx === 0 ? Infinity : (card.width / 2 + GAP) / Math.abs(dx);
  const partY = dy === 0 ? Infinity : (card.height / 2 + GAP) / Math.abs(dy);
  return between(centre, to, Math.min(partX, partY, 0.5));
}
