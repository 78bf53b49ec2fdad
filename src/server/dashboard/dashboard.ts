/**
 * The page over HTTP: its files, the laboratory's tour, and the description of the cluster, on the port that clients use. It reads nothing
 * from requests but method, path and Host, and tells nothing that a client without the secret could not learn. Other pages of the server
 * (metrics, probes) are behind the same checks.
 *
 * Invariants:
 *   DASHBOARD-1. A request with a Host that is neither an address nor a name of ours gets nothing: an attacker may make a foreign name
 *       resolve to this machine, and its page would then pass for one of ours.
 *   DASHBOARD-2. Every answer names what the page may load and connect to: its own files, and the nodes of this cluster.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClusterInfo } from "../../protocol/admin/index.ts";
import { isKnownHost, LOOPBACK_HOSTS, parseHost, type HostAndPort } from "./hosts.ts";

export interface DashboardOptions {
  readonly info: ClusterInfo;
  /** Host names under which browsers may ask, besides those of the nodes, localhost and plain IP addresses. Default none. */
  readonly hostNames?: readonly string[];
  /** Other pages by their paths: they answer requests that have passed DASHBOARD-1. Default none. */
  readonly pages?: ReadonlyMap<string, RequestListener>;
  /** The page is served over TLS, and connects over TLS. Default false. */
  readonly isTls?: boolean;
  /** Where the built page lies. Default: beside this program. */
  readonly directory?: string;
}

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** The built page, also when this module runs from its source. */
const PAGE_DIRECTORY = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../../dist/page/" : "../../page/", import.meta.url),
);

const FILES: readonly (readonly [path: string, file: string, type: string])[] = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/page.js", "page.js", "text/javascript; charset=utf-8"],
  ["/page.css", "page.css", "text/css; charset=utf-8"],
  // As text, which every browser shows as it is.
  ["/lab.txt", "lab.txt", "text/plain; charset=utf-8"],
];

/** Reads the files now, once. A request for a page that was not built is told so. */
export function createDashboard(options: DashboardOptions): RequestListener {
  const { info, directory = PAGE_DIRECTORY, isTls = false } = options;
  const files = readFiles(directory);
  const hosts = [...(options.hostNames ?? []), ...info.nodes.map(({ host }) => host)];
  const names = hosts.map((name) => name.toLowerCase());
  return (request, response) => {
    // The server needs no request's body; unread it would keep the connection from being used again.
    request.resume();
    const { host } = request.headers;
    // Only HTTP/1.0 may leave it out, as load balancers do that look whether a server is there; no browser does.
    const asked = host === undefined ? ownAddress(info) : parseHost(host, isTls ? 443 : 80);
    if (asked === null || !isKnownHost(asked.host, names)) {
      return answer(request, response, 403, "this name is not one of this server's\n");
    }
    const described = asSeenFrom(info, asked);
    for (const [name, value] of Object.entries(securityHeaders(described, isTls))) {
      response.setHeader(name, value);
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return answer(request, response, 405, "only GET and HEAD\n");
    }
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    if (path === "/cluster.json") {
      response.setHeader("cache-control", "no-store");
      return answer(request, response, 200, JSON.stringify(described), "application/json");
    }
    const page = options.pages?.get(path);
    if (page !== undefined) return page(request, response);
    const file = files.get(path);
    if (file !== undefined) return answerFile(request, response, file);
    const unbuilt = FILES.some(([known]) => known === path);
    if (unbuilt) return answer(request, response, 503, "the page was not built: npm run build\n");
    if (path === "/client" || path === "/admin") {
      response.setHeader("upgrade", "websocket");
      return answer(request, response, 426, "here web sockets are spoken\n");
    }
    return answer(request, response, 404, "there is no such page\n");
  };
}

function readFiles(directory: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const [path, name, type] of FILES) {
    let body: Buffer;
    try {
      body = readFileSync(join(directory, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      continue;
    }
    const digest = createHash("sha256").update(body).digest("base64url");
    files.set(path, { body, type, etag: `"${digest}"` });
  }
  return files;
}

function ownAddress({ nodes, self }: ClusterInfo): HostAndPort | null {
  const own = nodes.find(({ id }) => id === self);
  return own === undefined ? null : { host: own.host.toLowerCase(), port: own.port };
}

/** The browser's web sockets find this node where the browser found its page: it may have come through a tunnel. */
function asSeenFrom(info: ClusterInfo, asked: HostAndPort): ClusterInfo {
  const nodes = info.nodes.map((node) => (node.id === info.self ? { ...node, ...asked } : node));
  return { ...info, nodes };
}

function securityHeaders(info: ClusterInfo, isTls: boolean): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    `connect-src ${connectSources(info, isTls).join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
}

function connectSources(info: ClusterInfo, isTls: boolean): string[] {
  const sources = new Set(["'self'"]);
  for (const { host, port } of info.nodes) {
    const hosts = LOOPBACK_HOSTS.includes(host) ? [host, "127.0.0.1", "localhost"] : [host];
    // The policy's language has no IPv6 addresses.
    const scheme = isTls ? "wss" : "ws";
    for (const each of hosts) {
      sources.add(`${scheme}://${each.includes(":") ? "*" : each}:${port}`);
    }
  }
  return [...sources];
}

function answerFile(request: IncomingMessage, response: ServerResponse, file: PageFile): void {
  // The browser keeps the file, and asks each time whether it is still the same: a server may be updated.
  response.setHeader("cache-control", "no-cache");
  response.setHeader("etag", file.etag);
  const known = request.headers["if-none-match"]?.split(",").map((tag) => tag.trim()) ?? [];
  if (known.includes(file.etag)) {
    response.writeHead(304);
    response.end();
    return;
  }
  answer(request, response, 200, file.body, file.type);
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
