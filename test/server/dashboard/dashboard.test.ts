/** The page over HTTP: what is served, to whom, and under which policy. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDashboard, type DashboardOptions } from "../../../src/server/dashboard/dashboard.ts";
import { clusterInfoSchema, type ClusterInfo } from "../../../src/protocol/admin/cluster-info.ts";

const INFO: ClusterInfo = {
  clusterId: "lab",
  self: 1,
  nodes: [
    { id: 1, host: "127.0.0.1", port: 4101 },
    { id: 2, host: "kv2.example", port: 4102 },
    { id: 3, host: "fd00::3", port: 4103 },
  ],
  version: "1.2.3",
  faultsAllowed: true,
  needsSecret: true,
};

let directory = "";
let closers: (() => void)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-page-"));
  writeFileSync(join(directory, "index.html"), "<!doctype html><title>é</title>");
  writeFileSync(join(directory, "page.js"), "export {};");
  writeFileSync(join(directory, "page.css"), "");
});
afterEach(() => {
  for (const close of closers) close();
  closers = [];
  rmSync(directory, { recursive: true, force: true });
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function serve(options: Partial<DashboardOptions> = {}) {
  const server = createServer(createDashboard({ info: INFO, directory, ...options }));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  closers.push(() => server.close());
  closers.push(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return (
    path: string,
    headers: Record<string, string> = {},
    method = "GET",
    body = "",
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ port, host: "127.0.0.1", path, method, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => (text += part));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
        );
      });
      request.on("error", reject);
      request.end(body);
    });
}

describe("what is served", () => {
  test("the page, its script and its style, by their types", async () => {
    const get = await serve();
    const page = await get("/");
    expect(page).toMatchObject({ status: 200, body: "<!doctype html><title>é</title>" });
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(page.headers["content-length"]).toBe(String(Buffer.byteLength(page.body)));
    expect((await get("/page.js?x=1")).headers["content-type"]).toBe(
      "text/javascript; charset=utf-8",
    );
    expect((await get("/page.css")).headers["content-type"]).toBe("text/css; charset=utf-8");
  });

  test("a file that the browser has is not sent again, and asked for each time", async () => {
    const get = await serve();
    const first = await get("/page.js");
    expect(first.headers["cache-control"]).toBe("no-cache");
    const etag = String(first.headers.etag);
    const again = await get("/page.js", { "if-none-match": `"other", ${etag}` });
    expect(again).toMatchObject({ status: 304, body: "" });
    expect(again.headers["content-security-policy"]).toBeDefined();
    expect((await get("/page.js", { "if-none-match": '"other"' })).status).toBe(200);
  });

  test("the cluster, without secrets, never kept", async () => {
    const get = await serve();
    const answer = await get("/cluster.json", { host: "127.0.0.1:4101" });
    expect(clusterInfoSchema.parse(JSON.parse(answer.body))).toEqual(INFO);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  test("this node is where the browser found it, tunnel or not; the others are where they are", async () => {
    const get = await serve();
    for (const [host, found] of [
      ["10.0.0.1:4101", { host: "10.0.0.1", port: 4101 }],
      ["localhost:9999", { host: "localhost", port: 9999 }],
      ["[::1]", { host: "::1", port: 80 }],
    ] as const) {
      const answer = await get("/cluster.json", { host });
      const { nodes } = clusterInfoSchema.parse(JSON.parse(answer.body));
      expect(nodes).toEqual([{ id: 1, ...found }, INFO.nodes[1], INFO.nodes[2]]);
    }
    const policy = (await get("/", { host: "10.0.0.1:4101" })).headers["content-security-policy"];
    expect(policy).toContain("'self' ws://10.0.0.1:4101 ws://kv2.example:4102 ");
  });

  test("nothing else: not other paths, methods, or files beside the page", async () => {
    writeFileSync(join(directory, "secret.txt"), "hush");
    const get = await serve();
    for (const path of ["/secret.txt", "/../page.js", "/%2e%2e/etc/passwd", "//", "/page.js/"]) {
      expect((await get(path)).status).toBe(404);
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await get("/", { "content-length": "4" }, method, "body");
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe("GET, HEAD");
    }
    expect(await get("/", {}, "HEAD")).toMatchObject({ status: 200, body: "" });
    expect((await get("/client")).status).toBe(426);
  });

  test("a page that was not built is said so", async () => {
    const get = await serve({ directory: join(directory, "nowhere") });
    expect(await get("/")).toMatchObject({
      status: 503,
      body: "the page was not built: npm run build\n",
    });
    expect((await get("/cluster.json")).status).toBe(200);
  });
});

describe("policy", () => {
  test("the page may run its own script only, and connect to the nodes only", async () => {
    const get = await serve();
    for (const path of ["/", "/page.js", "/cluster.json", "/nothing"]) {
      const { headers } = await get(path, { host: "localhost:4101" });
      const policy = new Map(
        String(headers["content-security-policy"])
          .split("; ")
          .map((part) => [part.split(" ")[0], part.split(" ").slice(1).join(" ")]),
      );
      expect(Object.fromEntries(policy)).toEqual({
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "data:",
        "connect-src":
          "'self' ws://localhost:4101 ws://127.0.0.1:4101 ws://kv2.example:4102 ws://*:4103",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
      });
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["referrer-policy"]).toBe("no-referrer");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  test("who speaks HTTP/1.0 and names no server is answered: no browser does so", async () => {
    let port = 0;
    const pages = new Map<string, RequestListener>([
      [
        "/livez",
        ({ socket }, answer) => {
          port = socket.localPort ?? 0;
          answer.end("ok");
        },
      ],
    ]);
    const get = await serve({ pages });
    expect((await get("/livez")).body).toBe("ok");
    const socket = connect(port, "127.0.0.1");
    socket.end("GET /livez HTTP/1.0\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nok$/s);
  });

  test("a foreign name that resolves to this machine gets nothing", async () => {
    const get = await serve({ hostNames: ["KV.example"] });
    for (const host of ["evil.example", "evil.example:4101", "localhost.evil.example", "a/b"]) {
      const answer = await get("/cluster.json", { host });
      expect(answer.status).toBe(403);
      expect(answer.body).not.toContain("lab");
    }
    const ours = ["localhost:9", "127.0.0.1", "10.1.2.3:80", "[::1]:4101", "kv2.example:4102"];
    for (const host of [...ours, "kv.example", "KV2.EXAMPLE"]) {
      expect((await get("/cluster.json", { host })).status).toBe(200);
    }
  });
});
