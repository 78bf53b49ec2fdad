/** The state of the cluster in the browser's tab, while the user looks at another one. */
import type { ClusterView } from "../cluster-view.ts";
import { isRefused, nodeAlarms } from "./node-look.ts";

export interface TabLook {
  readonly title: string;
  readonly tone: "well" | "troubled" | "stopped";
}

/** Colours are told apart in both themes of a browser's frame. The shape of "stopped" is another one as well. */
const COLOURS: Readonly<Record<TabLook["tone"], string>> = {
  well: "#2f9e5f",
  troubled: "#e08a00",
  stopped: "#d6362f",
};

export function tabLook(view: ClusterView): TabLook {
  const name = `${view.clusterId} – omnikv`;
  if (view.needsSecret !== "no") return { title: `secret wanted – ${name}`, tone: "troubled" };
  const live = view.nodes.filter(({ reach }) => reach === "live").length;
  const size = view.nodes.length;
  if (view.nodes.every(({ reach }) => reach === "connecting")) return { title: name, tone: "well" };
  if (isRefused(view)) return { title: name, tone: "well" };
  if (live === 0) return { title: `out of reach – ${name}`, tone: "stopped" };
  const isWaiting = view.nodes.some(({ reach }) => reach === "connecting");
  if (view.leader === null && isWaiting) return { title: name, tone: "well" };
  if (view.leader === null) return { title: `no leader – ${name}`, tone: "stopped" };
  if (view.nodes.some((node) => nodeAlarms(node).length > 0)) {
    return { title: `alarm – ${name}`, tone: "troubled" };
  }
  if (live < size) return { title: `${live} of ${size} nodes – ${name}`, tone: "troubled" };
  return { title: `node ${view.leader} leads – ${name}`, tone: "well" };
}

/** As an address of its own: nothing is fetched. */
export function tabIcon(tone: TabLook["tone"]): string {
  const mark =
    tone === "stopped"
      ? "<path d='M5 5l6 6M11 5l-6 6' stroke='#fff' stroke-width='2.4' stroke-linecap='round'/>"
      : "<circle cx='8' cy='8' r='2.6' fill='#fff'/>";
  const shape = `<path d='M8 .8l6.3 3.6v7.2L8 15.2l-6.3-3.6V4.4z' fill='${COLOURS[tone]}'/>`;
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${shape}${mark}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
