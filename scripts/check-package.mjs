// Judges the package as it would be published, by publint and arethetypeswrong: `node scripts/check-package.mjs`, after a build.
// They are fetched into a directory of their own, so that nobody else installs them.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const JUDGES = ["publint@0.3.15", "@arethetypeswrong/core@0.18.2"];
/** Of the ways to import a package: CommonJS of Node before 20.17 could not require modules, and the package wants a newer one. */
const EXPECTED = new Set(["CJSResolvesToESM", "NoResolution"]);
/** Node before 12, which knows no subpaths. */
const IGNORED_RESOLUTION = "node10";

const root = resolve(import.meta.dirname, "..");
const directory = mkdtempSync(join(tmpdir(), "omnikv-check-"));
try {
  const run = (...command) =>
    execFileSync("npm", command, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  run("install", "--prefix", directory, "--no-save", "--ignore-scripts", "--silent", ...JUDGES);
  const [packed] = JSON.parse(
    run("pack", "--json", "--ignore-scripts", "--pack-destination", directory),
  );
  const unpacked = join(directory, "package");
  mkdirSync(unpacked);
  execFileSync("tar", ["-xzf", join(directory, packed.filename), "-C", directory]);
  // From where it stands it finds them by their names.
  const judges = join(directory, "judges.mjs");
  writeFileSync(
    judges,
    `export { publint } from "publint";
     export { formatMessage } from "publint/utils";
     export { checkPackage, Package } from "@arethetypeswrong/core";`,
  );
  const { publint, formatMessage, checkPackage, Package } = await import(
    pathToFileURL(judges).href
  );

  const { messages, pkg } = await publint({ pkgDir: unpacked, pack: false });
  for (const message of messages) console.log(`publint: ${formatMessage(message, pkg)}`);
  console.log(`publint: ${messages.length} remarks`);

  const files = {};
  for (const entry of readdirSync(unpacked, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[`/node_modules/omnikv/${path.slice(unpacked.length + 1)}`] = new Uint8Array(
      readFileSync(path),
    );
  }
  const { name, version } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
  const { problems = [] } = await checkPackage(new Package(files, name, version));
  const wrong = problems.filter(
    ({ kind, resolutionKind }) =>
      !(
        EXPECTED.has(kind) &&
        (kind === "CJSResolvesToESM" || resolutionKind === IGNORED_RESOLUTION)
      ),
  );
  for (const problem of wrong) console.log(`arethetypeswrong: ${JSON.stringify(problem)}`);
  console.log(
    `arethetypeswrong: ${wrong.length} problems, ${problems.length - wrong.length} expected (modules only, node10)`,
  );
  process.exitCode = messages.length + wrong.length === 0 ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
