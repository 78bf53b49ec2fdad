// Makes the documentation site: the repository's own pages, where they stand, so that their links hold, and the reference of
// all that programs import, from the comments in the source. `npm run docs`; with `-- --serve` it is shown, too. A link to a page
// that is not there fails it. The tools are fetched once, into .omnikv, so that nobody else has to install them.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const TOOLS = [
  "typedoc@0.28.20",
  "typedoc-plugin-markdown@4.14.1",
  "typescript@5.9.3",
  "vitepress@1.6.4",
];
/** What pages name that is no page, and browsers can show. */
const SHOWN = /\.(png|svg|ya?ml|json|mjs)$/;

const root = resolve(import.meta.dirname, "..");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** The sources of what programs import. Each says its name in its first comment: `@module omnikv/keyv`. */
const ENTRIES = Object.values(exports)
  .filter((door) => typeof door !== "string")
  .map(({ types }) => types.replace("./dist/", "").replace(/\.d\.ts$/, ".ts"));
const work = join(root, ".omnikv/docs");
const site = join(work, "site");
const tool = (path) => join(work, "node_modules", path);
const node = (args, cwd = root) =>
  execFileSync(process.execPath, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });

mkdirSync(work, { recursive: true });
const wanted = JSON.stringify(TOOLS);
const installed = join(work, "installed.json");
if (!existsSync(installed) || readFileSync(installed, "utf8") !== wanted) {
  writeFileSync(join(work, "package.json"), '{ "private": true, "type": "module" }\n');
  const args = ["install", "--prefix", work, "--no-save", "--silent", ...TOOLS];
  execFileSync("npm", args, { stdio: ["ignore", "inherit", "inherit"] });
  writeFileSync(installed, wanted);
}

rmSync(site, { recursive: true, force: true });
const pages = existsSync(join(root, ".git")) ? trackedPages() : unpackedPages();
for (const page of pages) {
  const isReadme = page === "README.md";
  const isAsset = !page.endsWith(".md");
  if (isAsset && !SHOWN.test(page)) continue;
  for (const to of isAsset ? [page, `public/${page}`] : [isReadme ? "index.md" : page]) {
    mkdirSync(dirname(join(site, to)), { recursive: true });
    if (isAsset) cpSync(join(root, page), join(site, to));
    else writeFileSync(join(site, to), pageText(page, readFileSync(join(root, page), "utf8")));
  }
}

const KINDS = ["Class", "Interface", "Function", "TypeAlias", "Variable", "Method"];
const typedoc = (entries, ...args) =>
  node([
    tool("typedoc/bin/typedoc"),
    ...["--tsconfig", join(root, "tsconfig.json"), "--readme", "none", "--name", "Reference"],
    ...["--entryPoints", ...entries.map((entry) => join(root, "src", entry))],
    ...["--skipErrorChecking", "--disableSources"],
    ...["--excludeInternal", "--excludePrivate", "--excludeExternals"],
    ...args,
  ]);

// Every name that programs import has a comment: one without fails this, and test/public-names.test.ts before it.
typedoc(
  ENTRIES,
  ...["--emit", "none", "--logLevel", "Warn", "--treatValidationWarningsAsErrors", "true"],
  ...["--validation.notExported", "false", "--validation.invalidLink", "false"],
  ...["--validation.notDocumented", "true"],
  ...KINDS.flatMap((kind) => ["--requiredToBeDocumented", kind]),
);
typedoc(
  ENTRIES,
  ...["--plugin", tool("typedoc-plugin-markdown/dist/index.js"), "--logLevel", "Error"],
  ...["--out", join(site, "reference"), "--useCodeBlocks", "--hidePageHeader"],
  ...["--entryFileName", "index"],
);

mkdirSync(join(site, ".vitepress"), { recursive: true });
writeFileSync(
  join(site, ".vitepress/config.mjs"),
  `export default ${JSON.stringify(config(), null, 2)};\n`,
);
node([tool("vitepress/bin/vitepress.js"), "build", site], work);
console.log(`the site is in ${join(site, ".vitepress/dist")}`);
if (process.argv.includes("--serve"))
  node([tool("vitepress/bin/vitepress.js"), "preview", site], work);

/** What of a page's text would be markup of Vue, and links to what the site has no page of. */
function trackedPages() {
  const tracked = execFileSync("git", ["ls-files", "*.md", "docs"], {
    cwd: root,
    encoding: "utf8",
  });
  return tracked.trim().split("\n");
}

/** Of a copy without its history: what the repository keeps out by .gitignore lies in other folders. */
function unpackedPages() {
  const files = (folder, options) =>
    readdirSync(join(root, folder), { withFileTypes: true, ...options });
  const top = files(".").filter(({ name }) => name.endsWith(".md"));
  const within = ["docs", "src", "scripts", "test"].flatMap((folder) =>
    files(folder, { recursive: true }),
  );
  return [...top, ...within]
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => path.endsWith(".md") || path.startsWith("docs/"));
}

function pageText(page, text) {
  return text
    .replaceAll("{{", "&#123;&#123;")
    .replaceAll(
      /(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)#]+)(#[^)]*)?\)/g,
      (link, said, target, part = "") => {
        if (join(dirname(page), target) === "README.md") {
          return `[${said}](${target.replace("README", "index")}${part})`;
        }
        return target.endsWith(".md") || SHOWN.test(target) ? link : said;
      },
    );
}

function config() {
  const titled = (page) => {
    const title = /^# (.+)$/m.exec(readFileSync(join(root, page), "utf8"))?.[1] ?? page;
    return { text: title.replaceAll("`", ""), link: `/${page.replace(/\.md$/, "")}` };
  };
  const among = (pattern) => pages.filter((page) => pattern.test(page)).map(titled);
  return {
    title: "omnikv",
    description: "A replicated, linearizable key-value store for Node.js",
    cleanUrls: true,
    vite: { build: { chunkSizeWarningLimit: 4096 } },
    themeConfig: {
      nav: [
        { text: "Start", link: "/" },
        { text: "Reference", link: "/reference/" },
        { text: "Changes", link: "/CHANGELOG" },
      ],
      search: { provider: "local" },
      sidebar: [
        {
          text: "Documents",
          items: [{ text: "omnikv", link: "/" }, ...among(/^docs\/[^/]+\.md$/)],
        },
        { text: "Decisions", collapsed: true, items: among(/^docs\/adr\/.+\.md$/) },
        {
          text: "Within the source",
          collapsed: true,
          items: among(/^(src|docs\/deploy)\/.+\.md$/),
        },
        { text: "Reference", items: [{ text: "All that programs import", link: "/reference/" }] },
      ],
    },
  };
}
