/** The pages behind the dashboard's door: statuses, who may see what, and how often a node is asked. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createDashboard } from "../../../src/server/dashboard/dashboard.ts";
import type { Life } from "../../../src/server/probes/checks.ts";
import { operatorPages, type LookOnView } from "../../../src/server/metrics/pages.ts";
import { readToken } from "../../../src/server/probes/read-token.ts";
import { sightWith } from "./fixtures.ts";

const SECRET = "correct horse";
const INFO = {
  ...{ clusterId: "lab", self: 1, nodes: [{ id: 1, host: "127.0.0.1", port: 4101 }] },
  ...{ version: "1.2.3", faultsAllowed: false, needsSecret: false },
};

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(secret: string | null = null, lookOn: LookOnView | null = null) {
  const world = { life: { kind: "running" } as Life, isCutOff: false, looks: 0, nowMs: 1000 };
  const pages = operatorPages({
    sight: () => {
      world.looks += 1;
      return sightWith({}, world.isCutOff ? { standing: "cutOff", leader: null } : {});
    },
    ...{ life: () => world.life, secret, now: () => world.nowMs, ofProcess: false },
    lookOn: () => lookOn,
  });
  const server = createServer(createDashboard({ info: INFO, pages }));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const get = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
    return { status: answer.status, headers: answer.headers, body: await answer.text() };
  };
  return { world, get, port };
}

describe("without a secret", () => {
  test("a node that is well is live and ready, and tells all", async () => {
    const { get } = await serve();
    expect(await get("/livez")).toMatchObject({ status: 200, body: "ok\n" });
    expect((await get("/livez?verbose")).body).toBe("[+]process ok\nlivez check passed\n");
    expect(await get("/readyz")).toMatchObject({ status: 200, body: "ok\n" });
    const all = await get("/readyz?verbose");
    expect(all.status).toBe(200);
    expect(all.body).toMatch(/^\[\+\]process ok\n.*\[\+\]disk ok\nreadyz check passed\n$/s);
    const metrics = await get("/metrics");
    expect(metrics.status).toBe(200);
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(metrics.headers.get("cache-control")).toBe("no-store");
    expect(metrics.body).toContain("\netcd_server_has_leader 1\n");
    expect((await get("/metrics", {}, "HEAD")).body).toBe("");
    expect((await get("/metrics", {}, "POST")).status).toBe(405);
  });

  test("one that is cut off is not ready, and says why; it lives", async () => {
    const { get, world } = await serve();
    world.isCutOff = true;
    const ready = await get("/readyz");
    expect(ready.status).toBe(503);
    expect(ready.body).toContain("[-]leader failed: no leader is known\n");
    expect((await get("/livez")).status).toBe(200);
  });

  test("one that has failed neither lives nor is ready", async () => {
    const { get, world } = await serve();
    world.life = { kind: "failed", code: "DISK_FAILED" };
    const live = await get("/livez");
    expect(live).toMatchObject({ status: 503, body: "the server cannot go on: DISK_FAILED\n" });
    expect((await get("/readyz")).status).toBe(503);
  });

  test("however often anybody asks, a node is looked at now and then", async () => {
    const { get, world } = await serve();
    await Promise.all(Array.from({ length: 20 }, () => get("/metrics")));
    expect(world.looks).toBe(1);
    await Promise.all(Array.from({ length: 20 }, () => get("/readyz")));
    expect(world.looks).toBe(2);
    world.nowMs += 10;
    await get("/readyz");
    await get("/metrics");
    expect(world.looks).toBe(3);
    world.nowMs += 500;
    await get("/metrics");
    expect(world.looks).toBe(4);
  });

  test("a Host that is not ours gets nothing", async () => {
    const { port } = await serve();
    // Not by fetch, which sets Host itself.
    for (const path of ["/metrics", "/livez", "/readyz"]) {
      const status = await new Promise<number | undefined>((done) => {
        const headers = { host: "evil.example" };
        request({ host: "127.0.0.1", port, path, headers }, (answer) => {
          answer.resume();
          done(answer.statusCode);
        }).end();
      });
      expect([path, status]).toEqual([path, 403]);
    }
  });
});

describe("while access control is on", () => {
  const lookOn: LookOnView = {
    isForRoot: true,
    judge: (header, remote, done) => {
      expect(remote).toMatch(/127\.0\.0\.1:\d+$/);
      setTimeout(() => done(header === "Basic cm9vdDpw"), 1);
    },
  };

  test.each([null, SECRET])(
    "metrics and reasons are for root, with the secret %s",
    async (secret) => {
      const { get, world } = await serve(secret, lookOn);
      const credentials = [
        "Basic cm9vdDpw",
        ...(secret === null ? [] : [`Bearer ${readToken(secret)}`]),
      ];
      for (const path of ["/metrics", "/readyz?verbose"]) {
        for (const authorization of ["", "Basic cm9vdDpx", "Bearer x"]) {
          const answer = await get(path, authorization === "" ? {} : { authorization });
          expect([authorization, path, answer.status]).toEqual([authorization, path, 401]);
          expect(answer.headers.get("www-authenticate")).toBe(
            'Bearer realm="omnikv", Basic realm="omnikv"',
          );
        }
        for (const authorization of credentials) {
          expect((await get(path, { authorization })).status).toBe(200);
        }
      }
      world.isCutOff = true;
      world.nowMs += 10;
      expect(await get("/readyz")).toMatchObject({ status: 503, body: "not ready\n" });
      expect(await get("/livez")).toMatchObject({ status: 200, body: "ok\n" });
    },
  );

  test("and is off again, everybody may look", async () => {
    const { get } = await serve(null, { ...lookOn, isForRoot: false });
    expect((await get("/metrics")).status).toBe(200);
  });
});

describe("with a secret", () => {
  test("metrics and reasons are for who proves to know it", async () => {
    const { get, world } = await serve(SECRET);
    world.isCutOff = true;
    for (const authorization of ["", "Bearer", "Bearer wrong", `Bearer ${SECRET}`, "Basic eDp5"]) {
      for (const path of ["/metrics", "/readyz?verbose"]) {
        const answer = await get(path, authorization === "" ? {} : { authorization });
        expect([authorization, path, answer.status]).toEqual([authorization, path, 401]);
        expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="omnikv"');
        expect(answer.body).not.toContain("leader");
      }
    }
    expect(world.looks).toBe(0);
    const headers = { authorization: `Bearer ${readToken(SECRET)}` };
    expect((await get("/metrics", headers)).body).toContain("\netcd_server_has_leader 0\n");
    const why = await get("/readyz?verbose", headers);
    expect(why.body).toContain("[-]leader failed: no leader is known\n");
  });

  test("whether it lives and is ready everybody may know, and no more", async () => {
    const { get, world } = await serve(SECRET);
    expect(await get("/readyz")).toMatchObject({ status: 200, body: "ok\n" });
    world.isCutOff = true;
    world.nowMs += 10;
    expect(await get("/readyz")).toMatchObject({ status: 503, body: "not ready\n" });
    expect(await get("/livez")).toMatchObject({ status: 200, body: "ok\n" });
  });

  test("the token does not tell the secret, and differs from cluster to cluster", () => {
    const token = readToken(SECRET);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(readToken(SECRET)).toBe(token);
    expect(readToken(`${SECRET}!`)).not.toBe(token);
  });
});
