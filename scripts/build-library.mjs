/**
 * Bundles what programs import, and the commands, into dist/library, after the compiler: Node takes about half a millisecond for
 * each file of modules, and the client has 150, a server 500. All doors are built at once, so that they share their files: an
 * error that one of them throws is an `instanceof` what another one exports. The commands are built apart from them, or what
 * programs import would come in more and smaller files.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const doors = Object.values(exports).filter((door) => typeof door !== "string");
/** As deep below dist as the rooms whose files look for others beside them by `import.meta.url`. */
const library = join(root, dirname(doors[0].default));
const commands = join(root, "dist/library/commands");

async function bundle(outdir, entryPoints) {
  // Files that entries share are named by what is in them.
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    external: ["*/require-ws.cjs"],
    // One file of a package that brings a native parser along: bundled, neither is installed with this one.
    alias: { "msgpackr/pack": join(msgpackr, "pack.js") },
    // Most of the time that an import takes goes by the length of the text. Names stay, so that stack traces say something.
    minifyWhitespace: true,
    minifySyntax: true,
    // For an error that nobody catches Node.js prints the line: not all of a file.
    lineLimit: 160,
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
  });
}

// A copy goes with the package, with its licence, so that maps find their sources.
const msgpackr = join(root, "dist/library/msgpackr");
mkdirSync(msgpackr, { recursive: true });
for (const file of ["pack.js", "unpack.js", "LICENSE"]) {
  copyFileSync(join(root, "node_modules/msgpackr", file), join(msgpackr, file));
}

// The types of a door lie where its source does.
const source = ({ types }) => types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts");
await bundle(
  library,
  Object.fromEntries(doors.map((door) => [basename(door.default, ".js"), source(door)])),
);
await bundle(commands, {
  commands: "src/bin/commands.ts",
  // What commands run as processes of their own.
  "omnikv-generator": "src/measure/subjects/omnikv-generator.ts",
  "etcd-generator": "src/measure/subjects/etcd-generator.ts",
});

// The compiler carries only what it compiles.
for (const folder of [library, commands, join(root, "dist/machine/network")]) {
  copyFileSync(join(root, "src/machine/network/require-ws.cjs"), join(folder, "require-ws.cjs"));
}

// The program loads the bundle. What the compiler wrote of the commands stays, for tests that change a part of it.
const program = join(root, "dist/bin/omnikv.js");
const compiled = readFileSync(program, "utf8");
const loading = 'import("./commands.js")';
if (!compiled.includes(loading)) throw new Error(`expected ${loading} in ${program}`);
const bundled = relative(dirname(program), join(commands, "commands.js"));
writeFileSync(program, compiled.replace(loading, `import("${bundled}")`));
// npm link asks for it when it links, and not when what it has linked to is built anew.
chmodSync(program, 0o755);
