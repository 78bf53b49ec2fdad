/**
 * Bundles the page into dist/page: index.html, page.js, page.css, and lab.txt that it links to. Part of the build, not of the running program: what it
 * needs are development dependencies only. `--watch` goes on, for work on the views.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "src/page");
const out = join(root, "dist/page");

/**
 * What zod makes JSON schemas with it brings along for every schema, and the page makes none: 15 kB of its script. What it writes code with is
 * used nowhere either, as the page's content security policy forbids code made at run time. Its memoizer is for objects that contain themselves, of
 * which the page makes and gets none: zod does without one when there is none.
 */
const withoutWhatIsUnused = {
  name: "without-what-is-unused",
  setup({ onLoad }) {
    const filter = /zod\/v4\/core\/(?:to-json-schema|json-schema-processors|doc|memoizer)\.js$/;
    onLoad({ filter }, ({ path }) => {
      const names = readFileSync(path, "utf8").matchAll(/^export (?:function|const|class) (\w+)/gm);
      const stub = path.endsWith("memoizer.js") ? "() => undefined" : "() => () => {}";
      const contents = [...names].map(([, name]) => `export const ${name} = ${stub};`);
      return { contents: contents.join("\n") };
    });
  },
};

/** What zod says of a value that is wrong: its own words are for forms of every kind, the page's values come from nodes. */
const withFewWords = {
  name: "with-few-words",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/en\.js$/ }, () => ({
      contents:
        "export default () => ({ localeError: ({ code, expected }) => expected === undefined ? code : `expected ${expected}` });",
    }));
  },
};

/** Browsers have nothing of Node.js that proofs are made of. A build that finds no such file has made a page that signs in nowhere. */
const withProofsOfBrowsers = {
  name: "with-proofs-of-browsers",
  setup({ onResolve, onStart, onEnd }) {
    const nodes = join(root, "src/links/handshake/proof-hash.ts");
    let isFound = false;
    onStart(() => void (isFound = false));
    onResolve({ filter: /\/proof-hash\.ts$/ }, ({ path, resolveDir }) => {
      if (resolve(resolveDir, path) !== nodes) return undefined;
      isFound = true;
      return { path: join(page, "browser/proof-hash.ts") };
    });
    onEnd(() => (isFound ? undefined : { errors: [{ text: `nothing imports ${nodes}` }] }));
  },
};

/** @type {import("esbuild").BuildOptions} */
const options = {
  absWorkingDir: root,
  entryPoints: { page: join(page, "main.tsx") },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  inject: [join(page, "browser/buffer.ts")],
  alias: {
    // The page's content security policy forbids code made at run time.
    "msgpackr/pack": "msgpackr/index-no-eval",
  },
  logLevel: "warning",
  plugins: [withoutWhatIsUnused, withFewWords, withProofsOfBrowsers],
};

mkdirSync(out, { recursive: true });
// There may be no style yet: the page asks for one nevertheless.
writeFileSync(join(out, "page.css"), "", { flag: "a" });
copyFileSync(join(page, "index.html"), join(out, "index.html"));
copyFileSync(join(root, "docs/lab.md"), join(out, "lab.txt"));
if (process.argv.includes("--watch")) await (await context(options)).watch();
else await build(options);
