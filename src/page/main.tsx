import "./browser/no-eval.ts";
import { render } from "preact";
import { clusterInfoSchema } from "../protocol/admin/index.ts";
import { App } from "./app.tsx";
import { createBrowserClock } from "./browser/clock.ts";
import { BrowserNetwork } from "./browser/network.ts";
import { browserRandom } from "./browser/random.ts";
import { createClusterStore } from "./create-cluster-store.ts";

/** A node that has just been started again is soon there. */
const RETRY_MS = 1000;
/** A node that has accepted the connection and says nothing is asked anew after so long. */
const ANSWER_MS = 10_000;

async function start(root: HTMLElement): Promise<void> {
  const info = clusterInfoSchema.parse(await askForCluster());
  const clock = createBrowserClock();
  const store = createClusterStore({
    info,
    clock,
    random: browserRandom,
    network: new BrowserNetwork(clock, location.protocol === "https:"),
    isHidden: () => document.hidden,
  });
  root.textContent = "";
  render(<App store={store} />, root);
}

async function askForCluster(): Promise<unknown> {
  const asked = new AbortController();
  const giveUp = setTimeout(() => asked.abort(new Error("the node does not answer")), ANSWER_MS);
  try {
    const response = await fetch("/cluster.json", { cache: "no-store", signal: asked.signal });
    if (!response.ok) throw new Error(`/cluster.json: ${response.status} ${response.statusText}`);
    return await response.json();
  } finally {
    clearTimeout(giveUp);
  }
}

function begin(root: HTMLElement): void {
  start(root).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    root.textContent = `The page could not start: ${reason}. Is the node still running? It tries again until it can.`;
    setTimeout(() => begin(root), RETRY_MS);
  });
}

const root = document.getElementById("app");
if (root !== null) begin(root);
