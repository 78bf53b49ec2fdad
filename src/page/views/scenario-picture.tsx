import type { ComponentChild } from "preact";
import { allPairs, isBroken, type NodeId, type Scenario } from "../../client/scenarios/index.ts";
import { ringLayout } from "./ring-layout.ts";

interface ScenarioPictureProps {
  readonly nodes: readonly NodeId[];
  readonly leader: NodeId;
  readonly scenario: Scenario;
}

const SIZE = { width: 64, height: 48 };
const DOT = 4.6;

/** Which links stay, who leads before, and who can lead then. What it says is said in words beside it. */
export function ScenarioPicture(props: ScenarioPictureProps): ComponentChild {
  const { nodes, leader, scenario } = props;
  const broken = scenario.steps.at(-1)?.broken ?? [];
  const places = placesOf(nodes);
  const line = ([a, b]: readonly [NodeId, NodeId], style: string): ComponentChild => {
    const [from, to] = [places.get(a), places.get(b)];
    if (from === undefined || to === undefined) return null;
    return <line key={`${a}-${b}`} class={style} x1={from.x} y1={from.y} x2={to.x} y2={to.y} />;
  };
  const pairs = allPairs(nodes);
  return (
    <svg
      class="scenario-picture"
      {...SIZE}
      viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
      aria-hidden="true"
    >
      {pairs.filter((pair) => isBroken(broken, pair)).map((pair) => line(pair, "picture-broken"))}
      {pairs.filter((pair) => !isBroken(broken, pair)).map((pair) => line(pair, "picture-kept"))}
      {nodes.map((id) => {
        const { x, y } = places.get(id) ?? { x: 0, y: 0 };
        return (
          <g key={id}>
            {scenario.canLead.includes(id) ? (
              <circle class="picture-able" cx={x} cy={y} r={DOT + 2.6} />
            ) : null}
            <circle
              class={id === leader ? "picture-leader" : "picture-node"}
              cx={x}
              cy={y}
              r={DOT}
            />
          </g>
        );
      })}
    </svg>
  );
}

/** As in the large picture, so that one is found in the other. */
function placesOf(nodes: readonly NodeId[]): ReadonlyMap<NodeId, { x: number; y: number }> {
  const large = ringLayout(nodes, 700);
  const points = [...large.nodes.values()];
  const [left, right] = [
    Math.min(...points.map(({ x }) => x)),
    Math.max(...points.map(({ x }) => x)),
  ];
  const [top, bottom] = [
    Math.min(...points.map(({ y }) => y)),
    Math.max(...points.map(({ y }) => y)),
  ];
  const edge = DOT + 4;
  const scaled = (at: number, from: number, to: number, size: number): number =>
    to === from ? size / 2 : edge + ((at - from) / (to - from)) * (size - 2 * edge);
  return new Map(
    [...large.nodes].map(([id, { x, y }]) => [
      id,
      { x: scaled(x, left, right, SIZE.width), y: scaled(y, top, bottom, SIZE.height) },
    ]),
  );
}
