/**
 * The pages for operators and their programs: /metrics, /livez and /readyz. Whose Host is not ours, and other methods than
 * GET and HEAD, the dashboard has turned away before.
 *
 * Invariants:
 *   O1. Where the cluster has a secret, what only `status` tells (metrics, checks and their reasons) is told to who proves to
 *       know it. Whether a node lives and is ready, everybody may know: whoever connects finds out as well.
 *   O2. However often anybody asks, the node looks at itself at most once in KEPT_MS, and makes metrics once in METRICS_KEPT_MS.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type Secrets, secretsNow } from "../../base/index.ts";
import type { NodeSight } from "../node/index.ts";
import {
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
  /** What clients prove to know. None: everything is told to everybody. */
  readonly secret: Secrets;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** See NodeMetricsOptions. */
  readonly ofProcess?: boolean;
}

/** @returns what answers each path */
export function operatorPages(options: PagesOptions): ReadonlyMap<string, RequestListener> {
  const { sight, life, secret, now } = options;
  const metrics = new NodeMetrics(options);
  const text = new Kept(METRICS_KEPT_MS, now, () => metrics.text());
  const status = new Kept(KEPT_MS, now, () => sight().status);
  const mayLook = ({ headers }: IncomingMessage): boolean => {
    const secrets = secretsNow(secret);
    if (secrets.length === 0) return true;
    return secrets.some((each) => provesToken(headers.authorization, readToken(each)));
  };

  function serveMetrics(request: IncomingMessage, response: ServerResponse): void {
    if (!mayLook(request)) return refuse(request, response);
    text.get().then(
      (body) => answer(request, response, 200, body, METRICS_TYPE),
      (error: unknown) => {
        // A bug, and no reason to end a node that serves: whoever scrapes sees that there is nothing.
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
    const isVerbose = wantsAll(request);
    const isTold = mayLook(request);
    if (isVerbose && !isTold) return refuse(request, response);
    const checks = checksOf(life(), status.get());
    const ready = isReady(checks);
    const short = ready ? "ok\n" : "not ready\n";
    // Whoever looks why a probe fails has that in the answer.
    const body = isVerbose || (isTold && !ready) ? renderChecks(checks, "readyz") : short;
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

function refuse(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("www-authenticate", 'Bearer realm="omnikv"');
  const text = "this cluster has a secret: a token is wanted (omnikv health --token)\n";
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
