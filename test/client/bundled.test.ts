/** A program that was bundled with the client in it, in the way that keeps `ws` from being loaded. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

test("is told so by its first request, and goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "omnikv-bundled-"));
  try {
    const outfile = join(folder, "program.mjs");
    await build({
      stdin: {
        contents: `
          import { createClient } from "./src/client/api/index.ts";
          const kv = createClient("127.0.0.1:1");
          const error = await kv.write("a", "1", { timeoutMs: 500 }).catch((reason) => reason);
          console.log(error.code, error.message);
          kv.close();`,
        resolveDir: resolve(import.meta.dirname, "../.."),
        loader: "ts",
      },
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "silent",
    });
    const { status, stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toContain('the package "ws" could not be loaded');
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
