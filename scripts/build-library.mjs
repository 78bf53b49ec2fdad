/**
 * Bundles what programs import into dist/library, after the compiler: Node takes about half a millisecond for each file of
 * modules, and the client has 150. All doors are built at once, so that they share their files: an error that one of them
 * throws is an `instanceof` what another one exports.
 */
import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const doors = Object.values(exports).filter((door) => typeof door !== "string");
/** As deep below dist as the rooms whose files look for others beside them by `import.meta.url`. */
const out = join(root, dirname(doors[0].default));

// Files that doors share are named by what is in them.
rmSync(out, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  // The types of a door lie where its source does.
  entryPoints: Object.fromEntries(
    doors.map(({ types, default: built }) => [
      basename(built, ".js"),
      types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"),
    ]),
  ),
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  external: ["*/require-ws.cjs"],
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
});

// The compiler carries only what it compiles.
for (const folder of [out, join(root, "dist/machine/network")]) {
  copyFileSync(join(root, "src/machine/network/require-ws.cjs"), join(folder, "require-ws.cjs"));
}
