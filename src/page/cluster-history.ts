/** From the nodes' reports to what the views show, with the last ten minutes. No timers: the caller hands in the time. */
import { hostPort, unreachable } from "../base/index.ts";
import type { AdminBallot, AdminStatus, ClusterInfo } from "../protocol/admin/index.ts";
import type { LoadView } from "../client/scenarios/index.ts";
import type { ClusterView, NodeView } from "./cluster-view.ts";
import { linkViews } from "./link-views.ts";
import { NodeMeter } from "./node-meter.ts";
import type { NodeReport } from "./node-watch.ts";
import type { Who } from "./rights.ts";
import { Sampler } from "./sampler.ts";
import { isLeading, Timeline } from "./timeline.ts";

export interface HistoryInput {
  readonly reports: ReadonlyMap<number, NodeReport>;
  /** Milliseconds of the page's clock; never goes back. */
  readonly now: number;
  /** The page has something to prove itself with: the secret, or a user who signed in. */
  readonly hasSecret: boolean;
  readonly who: Who | null;
  readonly load: LoadView;
}

/**
 * A node that leaves a question open for so long is silent. With the pause between questions that makes about a second. Why not
 * the age of its last answer: in a hidden tab the browser decides how rarely the page asks.
 */
const SILENT_AFTER_MS = 700;
const CONNECTING: NodeReport = { kind: "connecting" };

export class ClusterHistory {
  readonly #info: ClusterInfo;
  readonly #meters: ReadonlyMap<number, NodeMeter>;
  /** The last status there was, and when it came. */
  readonly #last = new Map<number, { readonly status: AdminStatus; readonly heardAt: number }>();
  readonly #sampler = new Sampler();
  readonly #timeline = new Timeline();

  constructor(info: ClusterInfo) {
    this.#info = info;
    this.#meters = new Map(info.nodes.map(({ id }) => [id, new NodeMeter()]));
  }

  /** Something this page did to the cluster. */
  note(at: number, text: string): void {
    this.#timeline.note(at, text);
  }

  next({ reports, now, hasSecret, who, load }: HistoryInput): ClusterView {
    const { clusterId, self } = this.#info;
    const nodes = this.#info.nodes.map((node) =>
      this.#node(node, reports.get(node.id) ?? CONNECTING, now),
    );
    const links = linkViews(nodes, this.#meters);
    this.#sampler.advance(now, nodes);
    this.#timeline.advance(now, nodes, links);
    return {
      at: now,
      clusterId,
      self,
      faultsAllowed: this.#last.get(self)?.status.allowFaults ?? this.#info.faultsAllowed,
      needsSecret: this.#needsSecret(reports, hasSecret),
      who,
      nodes,
      links,
      leader: leaderOf(nodes),
      samples: this.#sampler.samples,
      marks: this.#timeline.marks,
      strips: this.#timeline.strips,
      load,
    };
  }

  #node(
    { id, host, port }: ClusterInfo["nodes"][number],
    report: NodeReport,
    now: number,
  ): NodeView {
    if (report.kind === "answers") this.#last.set(id, report);
    const last = this.#last.get(id);
    const reach = reachOf(report, now);
    const meter = this.#meters.get(id);
    if (reach === "live" && last !== undefined) meter?.take(last.status);
    else meter?.forget();
    return {
      id,
      address: hostPort({ host, port }),
      reach,
      reason: report.kind === "fails" ? report.error.message : null,
      code: report.kind === "fails" ? report.error.code : null,
      heardAt: last?.heardAt ?? null,
      status: last?.status ?? null,
      appliedPerSecond: meter?.appliedPerSecond() ?? null,
    };
  }

  #needsSecret(
    reports: ReadonlyMap<number, NodeReport>,
    hasSecret: boolean,
  ): ClusterView["needsSecret"] {
    const refused = [...reports.values()].some(
      (report) => report.kind === "fails" && report.error.code === "UNAUTHORIZED",
    );
    if (hasSecret) return refused ? "wrong" : "no";
    return refused || this.#info.needsSecret ? "ask" : "no";
  }
}

function reachOf(report: NodeReport, now: number): NodeView["reach"] {
  switch (report.kind) {
    case "connecting":
      return "connecting";
    case "answers":
      return now - (report.openSince ?? now) > SILENT_AFTER_MS ? "silent" : "live";
    case "fails":
      return report.refusal ? "refused" : "down";
    default:
      return unreachable(report, "report");
  }
}

function leaderOf(nodes: readonly NodeView[]): number | null {
  let best: { readonly id: number; readonly ballot: AdminBallot } | null = null;
  for (const node of nodes) {
    if (!isLeading(node) || node.status === null) continue;
    const ballot = node.status.promise;
    if (best === null || isHigher(ballot, best.ballot)) best = { id: node.id, ballot };
  }
  return best?.id ?? null;
}

function isHigher(a: AdminBallot, b: AdminBallot): boolean {
  if (a.n !== b.n) return a.n > b.n;
  return a.priority === b.priority ? a.pid > b.pid : a.priority > b.priority;
}
