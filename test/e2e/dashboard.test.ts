/**
 * The page in a real browser, served by real servers: what it shows, what it does to the cluster, and what other sites
 * cannot do. Skipped, with the reason, where there is no Chromium.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, whyNoBrowser, type TestBrowser } from "./browser.ts";
import { eventually, TestCluster } from "./cluster.ts";

if (whyNoBrowser !== null) console.info(`the page is not tested: ${whyNoBrowser}`);

let browser: TestBrowser;
let cluster: TestCluster;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (whyNoBrowser === null) browser = await launchBrowser();
});
afterAll(async () => {
  if (whyNoBrowser === null) await browser.close();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startCluster(size: number, options: { secret?: string } = {}): Promise<void> {
  cluster = await TestCluster.create(size, options);
  closers.push(() => cluster.dispose());
  await cluster.startAll();
}

interface OpenPage {
  readonly page: Page;
  /** What the browser complained about. */
  readonly complaints: string[];
}

/** The page of this node, as a user would open it. */
async function openPage(node: number, host = "127.0.0.1"): Promise<OpenPage> {
  const page = await browser.context.newPage();
  closers.push(() => page.close());
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() !== "log" && message.type() !== "info") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const port = cluster.nodes.find(({ id }) => id === node)!.port;
  await page.goto(`http://${host}:${port}/`);
  return { page, complaints };
}

const roleOf = (page: Page, node: number): Promise<string | null> =>
  page.getByTestId(`node-${node}`).getAttribute("data-role");

/** Waits until the page shows this leader, all other nodes as followers, and the nodes say the same. */
async function agreedLeader(page: Page): Promise<number> {
  const admin = cluster.admin();
  return eventually("page and nodes agree on who leads and who follows", async () => {
    const leader = await cluster.leader(admin);
    const roles = await Promise.all(cluster.nodes.map(({ id }) => roleOf(page, id)));
    const agreed = cluster.nodes.every(
      ({ id }, i) => roles[i] === (id === leader ? "leader" : "follower"),
    );
    return agreed ? leader : undefined;
  });
}

describe.skipIf(whyNoBrowser !== null)("other sites", () => {
  test("can neither connect to a node nor read what it serves", async () => {
    await startCluster(1);
    const server = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<!doctype html><title>foreign</title>");
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    closers.push(
      () =>
        new Promise((closed) => {
          server.close(closed);
          server.closeAllConnections();
        }),
    );
    const page = await browser.context.newPage();
    closers.push(() => page.close());
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const target = `127.0.0.1:${cluster.nodes[0]!.port}`;
    const attempts = await page.evaluate(async (address) => {
      const dial = (path: string): Promise<string> =>
        new Promise((resolve) => {
          const socket = new WebSocket(`ws://${address}${path}`);
          socket.addEventListener("open", () => resolve("open"));
          socket.addEventListener("error", () => resolve("refused"));
        });
      const read = fetch(`http://${address}/cluster.json`).then(
        () => "read",
        () => "refused",
      );
      return Promise.all([dial("/client"), dial("/admin"), read]);
    }, target);
    expect(attempts).toEqual(["refused", "refused", "refused"]);
    await eventually("the server says so", () => cluster.log(1).includes("cross-origin request"));
  });
});

describe.skipIf(whyNoBrowser !== null)("the page", () => {
  test.each(["127.0.0.1", "localhost"])(
    "of any node, opened as %s, shows the whole cluster and complains of nothing",
    async (host) => {
      await startCluster(3);
      const { page, complaints } = await openPage(2, host);
      await agreedLeader(page);
      expect(complaints).toEqual([]);
    },
  );
});
