/**
 * The pictures of docs/dashboard.md: a real cluster, its page in a real browser, load and scenarios by their buttons.
 * `npx tsx scripts/screenshots.ts --help`
 */
import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { readWords } from "../src/measure/experiments/flags.ts";
import { OmnikvCluster } from "../src/measure/subjects/omnikv-cluster.ts";
import { KvClient } from "../src/client/kv-client.ts";
import { nodeClock } from "../src/machine/runtime/node-clock.ts";
import { createNodeRandom } from "../src/machine/runtime/node-random.ts";
import { WsNetwork } from "../src/machine/network/ws-network.ts";
import type { NamedScenario } from "../src/client/scenarios/index.ts";
import { launchBrowser } from "../test/e2e/browser.ts";

type Theme = "light" | "dark";

interface Picture {
  readonly name: string;
  readonly theme: Theme;
  readonly width: number;
  readonly height: number;
}

/** Taken of one cluster after another scenario. */
interface Series {
  readonly nodes: 3 | 5;
  readonly scenario: NamedScenario;
  readonly pictures: readonly Picture[];
}

const WALL = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const SERIES: readonly Series[] = [
  {
    nodes: 3,
    scenario: "quorum-loss",
    pictures: [
      { name: "dashboard-light-3", theme: "light", ...WALL },
      { name: "dashboard-dark-3", theme: "dark", ...WALL },
      { name: "dashboard-phone", theme: "light", ...PHONE },
    ],
  },
  {
    nodes: 5,
    scenario: "chain",
    pictures: [
      { name: "dashboard-light-5", theme: "light", ...WALL },
      { name: "dashboard-dark-5", theme: "dark", ...WALL },
    ],
  },
];

/** Under load before anything is cut, with an election in it; and after the cut. */
const QUIET_MS = 9000;
const HEALED_MS = 5000;
const CUT_MS = 6000;
/** They are part of the repository. */
const BYTES_MAX = 250_000;

const KEYS = [
  "app/config/theme",
  "app/config/locale",
  "app/users/ada",
  "app/users/grace",
  "app/users/katherine",
  "jobs/nightly",
  "motd",
];

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

const HELP = `Usage: npx tsx scripts/screenshots.ts [DIRECTORY]   (npm run build first)

The pictures of docs/dashboard.md: a real cluster, its page in a real browser, load and scenarios by their buttons. Needs
Debian's chromium.

  DIRECTORY   docs/images`;

const { directory } = readWords(HELP, { directory: null });
const out = resolve(directory ?? join(import.meta.dirname, "../docs/images"));
mkdirSync(out, { recursive: true });
for (const series of SERIES) await take(series);

async function take({ nodes, scenario, pictures }: Series): Promise<void> {
  const cluster = await OmnikvCluster.start({ size: nodes, flags: ["--allow-faults"] });
  const machine = { clock: nodeClock, random: createNodeRandom(), network: new WsNetwork() };
  const client = new KvClient({ nodes: cluster.nodes, ...machine });
  const browser = await launchBrowser(WALL);
  try {
    const page = await browser.context.newPage();
    await page.goto(`http://127.0.0.1:${cluster.nodes[0]?.port}/`);
    await page.getByTestId("leader").waitFor();
    await client.batch(
      KEYS.map((key, i) => ({ op: "write", key, value: JSON.stringify({ id: i, name: key }) })),
    );
    await page.getByTestId("load-100").click();
    await sleep(QUIET_MS);
    await run(page, "full-partition");
    await sleep(HEALED_MS);
    await page.getByTestId("heal-all").click();
    await sleep(HEALED_MS);
    await run(page, scenario);
    await sleep(CUT_MS);
    for (const picture of pictures) await shoot(page, picture);
    if (nodes === 3) await shootKeys(page);
  } finally {
    await browser.close();
    client.close();
    await cluster.remove();
  }
}

async function run(page: Page, scenario: NamedScenario): Promise<void> {
  await page.getByTestId(`scenario-${scenario}`).click();
  const result = page.getByTestId("scenario-result");
  await result.and(page.locator(".task-ok")).waitFor();
  console.log(`${scenario}: ${await result.innerText()}`);
}

async function shoot(page: Page, { name, theme, width, height }: Picture): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: theme });
  await page.evaluate("scrollTo(0, 0); document.activeElement?.blur()");
  await page.mouse.move(0, 0);
  // Colours fade from one theme to the other.
  await sleep(800);
  const path = join(out, `${name}.png`);
  await page.screenshot({ path });
  checkSize(path);
}

/** A key that is being edited, and where it lies. */
async function shootKeys(page: Page): Promise<void> {
  await page.setViewportSize(WALL);
  await page.emulateMedia({ colorScheme: "light" });
  const keys = page.getByTestId("key-list");
  await page.getByTestId("list-button").click();
  for (const name of ["app/", "users/", "ada"]) await keys.getByText(name, { exact: true }).click();
  await page.getByTestId("format-json").click();
  await sleep(800);
  const path = join(out, "dashboard-keys.png");
  await page.locator(".keys-card").screenshot({ path });
  checkSize(path);
}

function checkSize(path: string): void {
  const { size } = statSync(path);
  console.log(`${path}: ${size} bytes`);
  if (size > BYTES_MAX) throw new Error(`${path} has more than ${BYTES_MAX} bytes`);
}
