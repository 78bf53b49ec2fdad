/**
 * Load generators as plain JavaScript files. Run from source they would carry what the script runner adds to every
 * closure (it keeps function names at run time), and that is paid once per request.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));

export interface Bundles {
  /** @param module a path from the root of the project */
  bundle(module: string): string;
  remove(): void;
}

export function createBundles(): Bundles {
  const directory = mkdtempSync(join(ROOT, ".bench-bundle-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove);
  return {
    bundle(module) {
      const outfile = join(directory, `${module.replaceAll(/\W+/g, "-")}.mjs`);
      buildSync({
        absWorkingDir: ROOT,
        entryPoints: [module],
        outfile,
        bundle: true,
        packages: "external",
        platform: "node",
        format: "esm",
        target: "node20",
        logLevel: "warning",
      });
      return outfile;
    },
    remove,
  };
}
