/**
 * The pictures of docs/dashboard.md: a real cluster under load whose links are cut as told, in a real browser.
 *
 *   npx tsx scripts/page-screenshots.ts [directory] [part of a name]    default: docs/images; needs Debian's chromium
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium, type Page } from "playwright-core";
import { startThrowAwayCluster, type ThrowAwayCluster } from "../src/bench/throw-away-cluster.ts";
import { AdminClient } from "../src/client/admin-client.ts";
import { KvClient } from "../src/client/kv-client.ts";
import { nodeClock } from "../src/platform/node-clock.ts";
import { createNodeRandom } from "../src/platform/node-random.ts";
import { WsNetwork } from "../src/platform/ws-network.ts";
import type { NamedScenario } from "../src/scenarios/index.ts";

interface Picture {
  readonly name: string;
  readonly nodes: 3 | 5;
  readonly theme: "light" | "dark";
  readonly width: number;
  readonly height: number;
  /** A button of the page, once this node leads. */
  readonly cut: (page: Page, leader: number) => Promise<void>;
}

const scenario =
  (name: NamedScenario): Picture["cut"] =>
  (page) =>
    page.getByTestId(`scenario-${name}`).click();

const isolateLeader: Picture["cut"] = async (page, leader) => {
  await page.getByTestId(`node-${leader}`).click();
  await page.getByTestId("isolate").click();
};

const DESK = { width: 1280, height: 1060 };
const PHONE = { width: 390, height: 844 };
const PICTURES: readonly Picture[] = [
  { name: "dashboard-3-light", nodes: 3, theme: "light", ...DESK, cut: isolateLeader },
  { name: "dashboard-3-dark", nodes: 3, theme: "dark", ...DESK, cut: scenario("chain") },
  { name: "dashboard-5-light", nodes: 5, theme: "light", ...DESK, cut: scenario("quorum-loss") },
  { name: "dashboard-5-dark", nodes: 5, theme: "dark", ...DESK, cut: scenario("constrained") },
  { name: "dashboard-phone", nodes: 3, theme: "light", ...PHONE, cut: scenario("chain") },
];

const CHROMIUM = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
/** Before the cut, and after it. */
const QUIET_MS = 6000;
const CUT_MS = 6000;
const WRITE_EVERY_MS = 4;

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

const [directory, wanted = ""] = process.argv.slice(2);
const out = resolve(directory ?? join(import.meta.dirname, "../docs/images"));
mkdirSync(out, { recursive: true });
for (const picture of PICTURES.filter(({ name }) => name.includes(wanted))) {
  await take(picture);
  console.log(join(out, `${picture.name}.png`));
}

async function take(picture: Picture): Promise<void> {
  const cluster = await startThrowAwayCluster(picture.nodes, null, ["--allow-faults"]);
  const machine = { clock: nodeClock, random: createNodeRandom(), network: new WsNetwork() };
  const admin = new AdminClient({ nodes: cluster.nodes, ...machine });
  const load = startLoad(new KvClient({ nodes: cluster.nodes, ...machine }));
  const profile = mkdtempSync(join(tmpdir(), "omnikv-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    viewport: { width: picture.width, height: picture.height },
    colorScheme: picture.theme,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
  try {
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${cluster.nodes[0]?.port}/`);
    await sleep(QUIET_MS);
    await picture.cut(page, await leaderOf(admin, cluster));
    await sleep(CUT_MS);
    await page.screenshot({ path: join(out, `${picture.name}.png`) });
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
    await load.end();
    admin.close();
    await cluster.remove();
  }
}

async function leaderOf(admin: AdminClient, { nodes }: ThrowAwayCluster): Promise<number> {
  for (;;) {
    for (const { id } of nodes) {
      const { standing } = await admin.call(id, "status", {});
      if (standing === "leading") return id;
    }
    await sleep(50);
  }
}

/** Writes to any node, every few milliseconds, whatever becomes of them. */
function startLoad(client: KvClient): { end(): Promise<void> } {
  let ended = false;
  const run = async (): Promise<void> => {
    for (let i = 0; !ended; i++) {
      // While nobody leads writes fail: that is what the picture shows.
      await client.write(`key ${i % 50}`, `value ${i}`).catch(() => {});
      await sleep(WRITE_EVERY_MS);
    }
  };
  const running = run();
  return {
    async end() {
      ended = true;
      client.close();
      await running;
    },
  };
}
