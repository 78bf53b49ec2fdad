import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { loopbackNodes } from "../../../src/measure/subjects/places.ts";
import { LocalServer, startLocalCluster } from "../../../src/server/launch/index.ts";

test("of a cluster of which one server cannot even be begun none is left", async () => {
  const dataDirectory = mkdtempSync(join(tmpdir(), "omnikv-launch-"));
  const nodes = await loopbackNodes(2);
  const start = vi.spyOn(LocalServer, "start");
  const wrap = ({ id }: { readonly id: number }): readonly string[] => {
    if (id === 2) throw new Error("there is no such machine");
    return [];
  };
  const servers = (): readonly LocalServer[] =>
    start.mock.results.flatMap(({ type, value }) => (type === "return" ? [value] : []));
  try {
    const options = { nodes, clusterId: "none", dataDirectory, flags: [], wrap };
    await expect(startLocalCluster(options)).rejects.toThrow("there is no such machine");
    expect(servers().map(({ running }) => running)).toEqual([false]);
  } finally {
    await Promise.all(servers().map((server) => server.kill()));
    start.mockRestore();
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
