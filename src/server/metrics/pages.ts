/**
 * The pages for operators and their programs: /metrics, /livez and /readyz. The dashboard has already turned away requests with a foreign
 * Host, and other methods than GET and HEAD.
 *
 * Invariants:
 *   PAGES-1. Where the cluster has a secret, or access control is on, only a reader who proves to know the secret, or to be a user with
 *       the role root, sees what only `status` tells (metrics, checks and their reasons). Any stranger may know whether a node lives and
 *       is ready: a client that connects finds out as well.
 *   PAGES-2. However often readers ask, the node looks at itself at most once in KEPT_MS, and makes metrics once in
 *       METRICS_KEPT_MS.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Secrets, secretsNow } from "../../base/index.ts";
import type { NodeSight } from "../node/index.ts";
import {
  type CertificateEnd,
  type Check,
  checksOf,
  deathOf,
  isReady,
  type Life,
  provesToken,
  readToken,
  renderChecks,
} from "../probes/index.ts";
import { Kept } from "./kept.ts";
import { METRICS_TYPE, NodeMetrics } from "./node-metrics.ts";

/** As long as management keeps a status. */
const KEPT_MS = 10;
const METRICS_KEPT_MS = 500;

export interface PagesOptions {
  readonly sight: () => NodeSight;
  readonly life: () => Life;
  /** See NodeMetricsOptions. */
  readonly certificates?: () => readonly CertificateEnd[];
  /** The secret that clients prove to know. Without one, and with access control off: every reader sees everything. */
  readonly secret: Secrets;
  /** Left out or null: there are no users. */
  readonly lookOn?: () => LookOnView | null;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** See NodeMetricsOptions. */
  readonly ofProcess?: boolean;
}

/** Decides which reader may see the pages while access control is on. */
export interface LookOnView {
  readonly isForRoot: boolean;
  judge(header: string | undefined, remote: string, done: (mayLook: boolean) => void): void;
}

/** @returns the handler of each path */
export function operatorPages(options: PagesOptions): ReadonlyMap<string, RequestListener> {
  const { sight, life, secret, now } = options;
  const metrics = new NodeMetrics(options);
  const text = new Kept(METRICS_KEPT_MS, now, () => metrics.text());
  const status = new Kept(KEPT_MS, now, () => sight().status);
  const takesUsers = (): boolean => options.lookOn?.()?.isForRoot === true;

  /** @param done called perhaps within this call; not at all when the reader has gone */
  function judge(request: IncomingMessage, done: (mayLook: boolean) => void): void {
    const { headers, socket } = request;
    const secrets = secretsNow(secret);
    const view = takesUsers() ? (options.lookOn?.() ?? null) : null;
    if (secrets.length === 0 && view === null) return done(true);
    if (secrets.some((each) => provesToken(headers.authorization, readToken(each)))) {
      return done(true);
    }
    if (view === null) return done(false);
    const remote = `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}`;
    view.judge(headers.authorization, remote, (mayLook) => {
      if (!socket.destroyed) done(mayLook);
    });
  }

  function serveMetrics(request: IncomingMessage, response: ServerResponse): void {
    judge(request, (mayLook) => {
      if (mayLook) tellMetrics(request, response);
      else refuse(request, response, takesUsers());
    });
  }

  function tellMetrics(request: IncomingMessage, response: ServerResponse): void {
    text.get().then(
      (body) => answer(request, response, 200, body, METRICS_TYPE),
      (error: unknown) => {
        // A bug, and no reason to end a node that serves: the scraper sees that there is nothing.
        const said = error instanceof Error ? error.message : String(error);
        answer(request, response, 500, `metrics could not be put together: ${said}\n`);
      },
    );
  }

  function serveLive(request: IncomingMessage, response: ServerResponse): void {
    const death = deathOf(life());
    const check: Check = { name: "process", failure: death };
    const body = wantsAll(request) ? renderChecks([check], "livez") : `${death ?? "ok"}\n`;
    answer(request, response, death === null ? 200 : 503, body);
  }

  function serveReady(request: IncomingMessage, response: ServerResponse): void {
    judge(request, (isTold) => tellReady(request, response, isTold));
  }

  function tellReady(request: IncomingMessage, response: ServerResponse, isTold: boolean): void {
    const isVerbose = wantsAll(request);
    if (isVerbose && !isTold) return refuse(request, response, takesUsers());
    const checks = checksOf(life(), status.get());
    const ready = isReady(checks);
    const short = ready ? "ok\n" : "not ready\n";
    // An operator who wants to know why a probe fails has the reason in the answer.
    const body =
      isVerbose || (isTold && !ready)
        ? renderChecks(checks, "readyz", options.certificates?.())
        : short;
    answer(request, response, ready ? 200 : 503, body);
  }

  return new Map<string, RequestListener>([
    ["/metrics", serveMetrics],
    ["/livez", serveLive],
    ["/readyz", serveReady],
  ]);
}

function wantsAll(request: IncomingMessage): boolean {
  const query = (request.url ?? "").split("?", 2)[1] ?? "";
  return new URLSearchParams(query).has("verbose");
}

function refuse(request: IncomingMessage, response: ServerResponse, takesUsers: boolean): void {
  const schemes = ['Bearer realm="omnikv"', ...(takesUsers ? ['Basic realm="omnikv"'] : [])];
  response.setHeader("www-authenticate", schemes);
  const text =
    "this is for who knows the cluster's secret (a token of it: omnikv health --token) or is a user with the role root\n";
  answer(request, response, 401, text);
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
