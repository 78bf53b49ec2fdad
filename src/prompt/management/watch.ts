/** `watch`: the table of the cluster and its changes as they happen. */
import { leaderIn, lookAtCluster, type NodeLook } from "../../client/admin/index.ts";
import { lookTimeoutMs, reasonWords, type ClusterOptions } from "./cluster-options.ts";
import {
  changesOf,
  fitted,
  leaderChange,
  renderChange,
  renderTable,
  type Change,
  type Reason,
} from "./cluster-render.ts";
import { EXIT, formatDuration, type Outcome, roundMs, type Screen } from "../terminal/index.ts";

/** Each node is asked so often; one that hangs does not hold up the others. */
const LOOK_EVERY_MS = 200;
/** Below the table on a terminal. */
const CHANGES_SHOWN = 12;

/** Resolves when the time is up, the user quits, or `signal` is aborted. @param forMs null: no such time */
export async function watchCluster(
  options: ClusterOptions,
  forMs: number | null,
  signal: AbortSignal,
  screen: Screen,
): Promise<void> {
  const over = new AbortController();
  const end = (): void => over.abort();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const watch = new Watch(options, screen, over.signal);
  screen.live?.open(end);
  try {
    const timer = forMs === null ? null : options.sleep(forMs, over.signal).then(end);
    await Promise.all([watch.run(), timer]);
  } finally {
    watch.drawLast();
    screen.live?.close();
    signal.removeEventListener("abort", end);
  }
}

class Watch {
  readonly #options: ClusterOptions;
  readonly #screen: Screen;
  readonly #over: AbortSignal;
  readonly #startedMs: number;
  readonly #reason: Reason;
  /** Newest last. */
  readonly #changes: string[] = [];
  #look: readonly NodeLook[] = [];

  constructor(options: ClusterOptions, screen: Screen, over: AbortSignal) {
    this.#options = options;
    this.#screen = screen;
    this.#over = over;
    this.#startedMs = options.now();
    this.#reason = (node, error) => reasonWords(options, node, error, lookTimeoutMs(options));
  }

  /** Stays on the terminal. */
  drawLast(): void {
    if (this.#look.length > 0) this.#draw("watched for");
  }

  async run(): Promise<void> {
    const { nodes } = this.#options;
    this.#look = await this.#ask(nodes.map(({ id }) => id));
    if (this.#over.aborted) return;
    if (this.#screen.live === null) this.#screen.show(this.#start());
    this.#draw("watching for");
    await Promise.all(nodes.map(({ id }) => this.#follow(id)));
  }

  async #follow(node: number): Promise<void> {
    const { sleep } = this.#options;
    for (;;) {
      await sleep(LOOK_EVERY_MS, this.#over);
      if (this.#over.aborted) return;
      const [after] = await this.#ask([node]);
      // A question that was given up because the watch is over says nothing about the node.
      if (this.#over.aborted || after === undefined) return;
      this.#update(after);
    }
  }

  #ask(nodes: readonly number[]): Promise<readonly NodeLook[]> {
    const { client } = this.#options;
    const timeoutMs = lookTimeoutMs(this.#options);
    return lookAtCluster(client, nodes, { timeoutMs, signal: this.#over });
  }

  #update(after: NodeLook): void {
    const before = this.#look;
    const own = before.find(({ node }) => node === after.node);
    this.#look = before.map((each) => (each.node === after.node ? after : each));
    const changes = own === undefined ? [] : [...changesOf(own, after, this.#reason)];
    const leader = leaderChange(before, this.#look);
    if (leader !== null) changes.push(leader);
    for (const change of changes) this.#tell(change);
    this.#draw("watching for");
  }

  #tell(change: Change): void {
    const { style, now } = this.#options;
    const ms = now() - this.#startedMs;
    const text = `${style.dim(`+${(ms / 1000).toFixed(1)} s`.padStart(9))}  ${renderChange(change, style)}`;
    this.#changes.push(text);
    if (this.#changes.length > CHANGES_SHOWN) this.#changes.shift();
    if (this.#screen.live !== null) return;
    const json = { ok: true, op: "watch", ...change, ms: roundMs(ms) };
    this.#screen.show({ text, json, status: EXIT.ok });
  }

  #start(): Outcome {
    const nodes = this.#look.map(({ node, status }) => status ?? { nodeId: node, silent: true });
    return {
      text: this.#table().join("\n"),
      json: { ok: true, op: "watch", event: "start", leader: leaderIn(this.#look), nodes, ms: 0 },
      status: EXIT.ok,
    };
  }

  #table(): readonly string[] {
    return renderTable(this.#look, this.#reason, this.#options.style, this.#screen.columns?.());
  }

  #draw(verb: "watching for" | "watched for"): void {
    const { live } = this.#screen;
    if (live === null) return;
    const { style, now } = this.#options;
    const hint = verb === "watching for" ? " · q or Ctrl-C ends" : "";
    const watched = `${verb} ${formatDuration(now() - this.#startedMs)}${hint}`;
    const changes = this.#changes.flatMap((line) => fitted(line, this.#screen.columns?.()));
    live.draw([...this.#table(), "", ...changes, style.dim(watched)]);
  }
}
