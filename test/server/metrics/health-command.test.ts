/** `omnikv health` against servers of all kinds: nothing but a node that says it is ready counts as one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { runHealth, type HealthFlags } from "../../../src/bin/health.ts";
import { operatorPages } from "../../../src/server/metrics/pages.ts";
import type { CertificateEnd } from "../../../src/server/probes/certificates.ts";
import { readToken } from "../../../src/server/probes/read-token.ts";
import { sightWith } from "./fixtures.ts";

const SECRET = "c0rrect-h0rse-battery-staple-0451";
const directory = mkdtempSync(join(tmpdir(), "omnikv-health-"));
const secretFile = join(directory, "secret.txt");
writeFileSync(secretFile, SECRET, { mode: 0o600 });
afterAll(() => rmSync(directory, { recursive: true }));

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** @returns host:port */
async function listen(onRequest: RequestListener): Promise<string> {
  const server = createServer(onRequest);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function node(
  isReady: boolean,
  secret: string | null = null,
  certificates: readonly CertificateEnd[] = [],
): Promise<string> {
  const pages = operatorPages({
    sight: () => sightWith({}, isReady ? {} : { standing: "cutOff", leader: null }),
    ...{ life: () => ({ kind: "running" }), secret, now: () => 0, ofProcess: false },
    certificates: () => certificates,
  });
  return listen((request, response) => {
    pages.get((request.url ?? "").split("?", 1)[0] ?? "")?.(request, response);
  });
}

async function health(flags: Partial<HealthFlags>): Promise<{ status: number; out: string }> {
  let out = "";
  const write = (text: string): void => {
    out += text;
  };
  return { status: await runHealth({ timeout: "2s", ...flags }, { write }), out };
}

describe("omnikv health", () => {
  test("0 when every node is ready, by address or by id", async () => {
    const [a, b] = [await node(true), await node(true)];
    expect(await health({ nodes: `${a},${b}` })).toEqual({
      status: 0,
      out: `${a}: ready\n${b}: ready\n`,
    });
    expect(await health({ nodes: `2=${b},1=${a}` })).toEqual({
      status: 0,
      out: `node 1 at ${a}: ready\nnode 2 at ${b}: ready\n`,
    });
  });

  test("it waits until every node is ready, and not longer than it was told to", async () => {
    let asked = 0;
    const [ready, not] = [await node(true), await node(false)];
    const later = await listen((_, response) => {
      asked += 1;
      response.writeHead(307).end();
    });
    expect(await health({ nodes: ready, wait: "1min" })).toMatchObject({ status: 0 });
    expect((await health({ nodes: not, wait: "300ms" })).status).toBe(1);
    expect(await health({ nodes: later, wait: "600ms" })).toMatchObject({ status: 1 });
    expect(asked).toBeGreaterThan(1);
    await expect(health({ nodes: ready, wait: "soon" })).rejects.toThrow("--wait: expected a time");
  });

  test("the cluster of a variable, where no option names one", async () => {
    const file = join(directory, "cluster.json");
    const address = await node(true);
    const [host = "", port] = address.split(":");
    writeFileSync(file, JSON.stringify({ nodes: [{ id: 1, host, port: Number(port) }] }));
    vi.stubEnv("OMNIKV_CLUSTER", file);
    try {
      expect((await health({})).out).toBe(`node 1 at ${address}: ready\n`);
      expect((await health({ nodes: "127.0.0.1:1" })).out).toContain("127.0.0.1:1: not ready");
      vi.stubEnv("OMNIKV_CLUSTER", "/nowhere");
      await expect(health({})).rejects.toThrow("OMNIKV_CLUSTER: cannot read /nowhere");
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("1 when one is not, or does not answer, and why", async () => {
    const [a, b] = [await node(true), await node(false)];
    const nodes = `${a},${b},127.0.0.1:1`;
    const { status, out } = await health({ nodes });
    expect(status).toBe(1);
    expect(out).toBe(
      `${a}: ready\n${b}: not ready: leader: no leader is known\n` +
        "127.0.0.1:1: not ready: connect ECONNREFUSED 127.0.0.1:1\n",
    );
    const json = await health({ nodes, json: true });
    expect(json.status).toBe(1);
    const lines = json.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      { node: null, address: a, ready: true, failed: [], certificates: [], error: null },
      {
        ...{ node: null, address: b, ready: false, error: null },
        failed: [{ check: "leader", reason: "no leader is known" }],
        certificates: [],
      },
      {
        ...{ node: null, address: "127.0.0.1:1", ready: false, failed: [], certificates: [] },
        error: "connect ECONNREFUSED 127.0.0.1:1",
      },
    ]);
  });

  test("a certificate that ends soon, or has ended, is named behind; in JSON all are", async () => {
    const inDays = (days: number): number => Date.now() + days * 86_400_000 + 60_000;
    const certificates: readonly CertificateEnd[] = [
      { port: "clients", which: "own", endsMs: inDays(300) },
      { port: "peers", which: "own", endsMs: inDays(3) },
      { port: "peers", which: "authority", endsMs: inDays(-2) },
    ];
    const [a, b] = [await node(true, null, certificates), await node(false, null, certificates)];
    const [far, soon, ended] = certificates.map(({ endsMs }) => new Date(endsMs).toISOString());
    const said = `the certificate for peers ends in 3 days (${soon}); the authority of certificates for peers has ended (${ended})`;
    expect(await health({ nodes: `${a},${b}` })).toEqual({
      status: 1,
      out: `${a}: ready; ${said}\n${b}: not ready: leader: no leader is known; ${said}\n`,
    });
    expect(JSON.parse((await health({ nodes: a, json: true })).out)).toMatchObject({
      ready: true,
      certificates: [
        { port: "clients", which: "own", ends: far },
        { port: "peers", which: "own", ends: soon },
        { port: "peers", which: "authority", ends: ended },
      ],
    });
  });

  test.each<[string, RequestListener, RegExp]>([
    ["says 200 to everything", (_, response) => response.end("ok"), /no omnikv server/],
    ["has no such page", (_, response) => response.writeHead(404).end(), /older one \(404\)/],
    [
      "says that checks hold, and no verdict",
      (_, response) => response.end("[+]leader ok\n"),
      /it does not say why/,
    ],
    [
      "contradicts itself",
      (_, response) => response.writeHead(503).end("[+]leader ok\nreadyz check passed\n"),
      /it does not say why/,
    ],
    [
      "never ends",
      (_, response) => {
        const more = (): void => void (response.write("x".repeat(16_384)) ? setImmediate(more) : 0);
        response.on("drain", more).on("error", () => {});
        more();
      },
      /no end|aborted/,
    ],
    ["never begins", () => {}, /no answer within 300 ms/],
    [
      "writes to the terminal",
      (_, response) => response.writeHead(503).end("[-]leader failed: \u001b[2Jgone\n"),
      /leader: \\u001b\[2Jgone/,
    ],
  ])("whoever %s is not ready", async (_, onRequest, reason) => {
    const { status, out } = await health({ nodes: await listen(onRequest), timeout: "300ms" });
    expect(out).toMatch(/: not ready: /);
    expect(out).toMatch(reason);
    expect(status).toBe(1);
  });

  test("a cluster with a secret tells who knows it", async () => {
    const address = await node(true, SECRET);
    expect((await health({ nodes: address, secretFile })).status).toBe(0);
    const without = await health({ nodes: address });
    expect(without).toMatchObject({ status: 1 });
    expect(without.out).toContain("it wants the cluster's secret (--secret-file)");
    const other = await node(true, "another secret");
    expect((await health({ nodes: other, secretFile })).out).toContain("it has another secret");
  });

  test("--token prints what opens the pages, and needs a secret for it", async () => {
    expect(await health({ token: true, secretFile })).toEqual({
      status: 0,
      out: `${readToken(SECRET)}\n`,
    });
    await expect(health({ token: true })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test.each(["a", "a:b", "a:0", "a:65536", "127.0.0.1", "a:1,", "ht tp:1", "1=a:x"])(
    "--nodes %j is a usage error",
    async (nodes) => {
      await expect(health({ nodes })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    },
  );
});
