/**
 * What earlier versions left behind goes on to work with servers of today: data directories of omnikv 0.1, and a client of the version
 * before ranges, transactions and history. The client is that version's own, bundled (`export { createClient }`, esbuild, minified).
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { ROOT, TestCluster } from "./cluster.ts";

/** As much of the old client's interface as is used. */
interface OldClient {
  write(key: string, value: string): Promise<{ readonly revision: number }>;
  read(key: string, options?: { consistency: "local" }): Promise<OldRead>;
  delete(key: string): Promise<{ readonly existed: boolean }>;
  cas(
    key: string,
    condition: object,
    value: string,
  ): Promise<{ readonly swapped: boolean; readonly revision: number }>;
  close(): void;
}

interface OldRead {
  readonly found: boolean;
  readonly revision: number;
  readonly value: Uint8Array | null;
}

let cluster: TestCluster;
afterEach(() => cluster.dispose());

const FLAGS = ["--cluster-id", "fixture"];
const FIXTURES = [1, 2, 3].map((node) => `v0.1-three-nodes-${node}`);

function putDirectory(name: string, directory: string): void {
  const file = join(ROOT, `test/storage/fixtures/${name}.json`);
  const fixture = JSON.parse(readFileSync(file, "utf8")) as Readonly<
    Record<string, { readonly bytes: number; readonly gzip: string }>
  >;
  for (const [path, { bytes, gzip }] of Object.entries(fixture)) {
    const content = Buffer.alloc(bytes);
    content.set(gunzipSync(Buffer.from(gzip, "base64")));
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

/** Within the checkout: it imports ws and msgpackr by their names. */
async function oldClient(nodes: TestCluster["nodes"]): Promise<OldClient> {
  const packed = join(ROOT, "test/e2e/fixtures/client-before-ranges.mjs.gz");
  const file = join(ROOT, `dist/old-client-${process.pid}.mjs`);
  writeFileSync(file, gunzipSync(readFileSync(packed)));
  try {
    const module = (await import(pathToFileURL(file).href)) as {
      createClient(options: object): OldClient;
    };
    return module.createClient({ nodes, clusterId: "fixture", timeoutMs: 20_000 });
  } finally {
    rmSync(file);
  }
}

test("directories of omnikv 0.1 are served, and a client from before ranges and history works beside one of today", async () => {
  cluster = await TestCluster.create(3);
  FIXTURES.forEach((name, i) => putDirectory(name, cluster.dataDirectory(i + 1)));
  await cluster.startAll(...FLAGS);
  const today = cluster.client({ clusterId: "fixture", timeoutMs: 20_000 });
  const kept: { readonly key: string; readonly value: string }[] = [];
  for await (const { key, value } of today.range({ prefix: "" })) {
    kept.push({ key: Buffer.from(key).toString(), value: Buffer.from(value).toString() });
  }
  expect(kept).toHaveLength(20);
  const { key, value } = kept[0] ?? { key: "", value: "" };

  const old = await oldClient(cluster.nodes);
  const text = ({ value }: OldRead): string | null =>
    value === null ? null : Buffer.from(value).toString();
  try {
    expect(text(await old.read(key))).toBe(value);
    const { revision } = await old.write(key, "by the old client");
    expect(text(await old.read(key, { consistency: "local" }))).toBe("by the old client");
    expect((await old.cas(key, { revision }, "next")).swapped).toBe(true);
    expect((await old.cas(key, { value: "other" }, "never")).swapped).toBe(false);
    expect((await old.delete(key)).existed).toBe(true);
    expect((await old.read(key)).found).toBe(false);

    // From the day of the upgrade on there is a history, also of what an old client wrote.
    const before = await today.read(key, { revision });
    expect(before.found && before.text()).toBe("by the old client");
    await today.atomic().check(key, { absent: true }).put(key, "of today").commit();
    expect(text(await old.read(key))).toBe("of today");
  } finally {
    old.close();
  }
});
