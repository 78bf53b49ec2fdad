/**
 * Every view of the page, judged by axe: at a desk and on a phone, in both themes, with menus and questions open and when
 * things are wrong. Skipped, with the reason, where there is no Chromium.
 */
import { source } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, whyNoBrowser, type TestBrowser } from "./browser.ts";
import { eventually, TestCluster } from "./cluster.ts";

if (whyNoBrowser !== null) console.info(`the page is not judged by axe: ${whyNoBrowser}`);

const DESK = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
/** With what is experimental: a name that does not say what is seen is no use to whoever speaks to the machine. */
const JUDGED = `axe.run(document, {
  resultTypes: ["violations"],
  rules: { "label-content-name-mismatch": { enabled: true } },
}).then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
  nodes.map(({ html, failureSummary }) => id + ": " + help + "\\n" + html + "\\n" + failureSummary)))`;
/** Colours fade from one theme to the other; what is judged is what they become. */
const STILL = `(() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { transition: none !important; animation: none !important }");
  document.adoptedStyleSheets = [sheet];
})()`;

describe.skipIf(whyNoBrowser !== null)("axe finds nothing", () => {
  let browser: TestBrowser;
  let cluster: TestCluster;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser(DESK);
    await browser.context.addInitScript({ content: source });
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    page = await open(cluster);
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.dispose();
  });

  async function open(of: TestCluster): Promise<Page> {
    const opened = await browser.context.newPage();
    await opened.goto(`http://127.0.0.1:${of.nodes[0]!.port}/`);
    await opened.getByTestId("node-1").waitFor();
    await opened.evaluate(STILL);
    return opened;
  }

  /** Whatever is open stays open. */
  async function expectClean(judged: Page = page): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const) {
      await judged.emulateMedia({ colorScheme });
      for (const size of [DESK, PHONE]) {
        await judged.setViewportSize(size);
        expect(await judged.evaluate(JUDGED), `${colorScheme}, ${size.width} pixels`).toEqual([]);
      }
    }
    await judged.setViewportSize(DESK);
    await judged.emulateMedia({ colorScheme: "light" });
  }

  test("as the page begins", async () => {
    await page.getByTestId("leader").waitFor();
    await expectClean();
  });

  test.each(["link-1-2", "node-1"])("in the menu of %s", async (testId) => {
    await page.getByTestId(testId).click();
    await page.locator(".popover").waitFor();
    await expectClean();
    await page.locator(".popover").waitFor();
    await page.keyboard.press("Escape");
  });

  test("after links were broken, one way and both, and one was made faulty", async () => {
    await page.getByTestId("load-20").click();
    const deeds = [
      ["link-1-2", "link-break"],
      ["link-1-3", "link-break-ab"],
      ["link-2-3", "link-degrade"],
    ] as const;
    for (const [link, deed] of deeds) {
      const before = await page.getByTestId(link).getAttribute("data-state");
      await page.getByTestId(link).click();
      await page.getByTestId(deed).click();
      await eventually(
        `${link} is changed`,
        async () => (await page.getByTestId(link).getAttribute("data-state")) !== before,
      );
    }
    await page.getByTestId("link-1-2").click();
    await expectClean();
    await page.keyboard.press("Escape");
    await page.getByTestId("heal-all").click();
    await page.getByTestId("load-0").click();
    await page.getByTestId("leader").waitFor();
  });

  test("in the editor of keys with everything unfolded, and in what it asks", async () => {
    const client = cluster.client();
    const json = JSON.stringify({ list: Array.from({ length: 40 }, (_, i) => i) }, null, 2);
    await client.write("axe/a", "first");
    await client.write("axe/a", json);
    await client.write("axe/b", "of b");
    await page.getByTestId("list-button").click();
    const keys = page.getByTestId("key-list");
    await keys.getByText("axe/", { exact: true }).click();
    await keys.getByText("a", { exact: true }).click();
    const value = page.getByTestId("value-input");
    await eventually("it is read", async () => (await value.inputValue()) === json);
    for (const folded of ["cas-open", "history-open", "txn-open"]) {
      await page.getByTestId(folded).click();
    }
    await page.getByTestId("txn-add-check").click();
    await page.getByTestId("history-button").click();
    await page.getByTestId("history-list").waitFor();
    await page.getByTestId("delete-button").click();
    await page.getByTestId("delete-yes").waitFor();
    await expectClean();
    await page.getByTestId("delete-no").click();
    await client.write("axe/a", "theirs");
    await value.fill('{"mine":');
    await page.getByTestId("write-button").click();
    await page.getByTestId("conflict").waitFor();
    await keys.getByText("b", { exact: true }).click();
    await page.getByTestId("discard").waitFor();
    await expectClean();
    await page.getByTestId("discard-yes").click();
  });

  test("in changes, leases and locks, while there are some", async () => {
    const client = cluster.client();
    await page.getByTestId("changes-on").click();
    await page.getByTestId("leases-on").click();
    const state = page.getByTestId("changes-state");
    await eventually("it holds", async () => (await state.textContent())?.startsWith("none yet"));
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const lock = client.locks.request("axe/job", { owner: "the first" }, () => held);
    await page.getByTestId("locks").locator("> li").first().waitFor();
    await page.getByTestId("changes").locator("li").first().waitFor();
    await expectClean();
    release();
    await lock;
    await page.getByTestId("changes-off").click();
    await page.getByTestId("leases-off").click();
  });

  test("when a node is down: its details, its menu, and the banner unfolded", async () => {
    await page.getByTestId("node-2").click();
    await page.getByTestId("node-show-details").click();
    await page.getByTestId("node-details").waitFor();
    await cluster.kill(2);
    const banner = page.getByTestId("banner");
    await eventually("it is said", async () =>
      (await banner.innerText()).includes("Node 2 cannot be reached"),
    );
    await banner.locator("summary").click();
    await page.getByTestId("node-2").click();
    await page.locator(".popover").waitFor();
    await expectClean();
    await page.keyboard.press("Escape");
    await Promise.all([1, 3].map((node) => cluster.kill(node)));
    await eventually("it is said", async () =>
      (await banner.innerText()).includes("No node can be reached"),
    );
    await expectClean();
  });

  test("in the question for a secret, and where users sign in", async () => {
    const locked = await TestCluster.create(1, { secret: "c0rrect-h0rse-battery-staple-0451" });
    try {
      await locked.start(1);
      const asked = await open(locked);
      await asked.getByTestId("secret-input").waitFor();
      await expectClean(asked);
      await asked.getByTestId("secret-input").fill("wr0ng-h0rse-battery-staple-0451");
      await asked.getByTestId("secret-input").press("Enter");
      await asked.getByText("The nodes refused that secret.").waitFor();
      await expectClean(asked);
      await asked.getByTestId("as-user").click();
      await asked.getByTestId("password-input").waitFor();
      await expectClean(asked);
      await asked.close();
    } finally {
      await locked.dispose();
    }
  });

  test("where it only looks on", async () => {
    const still = await TestCluster.create(2);
    try {
      await Promise.all(still.nodes.map(({ id }) => still.start(id, { allowFaults: false })));
      const seen = await open(still);
      await seen.getByTestId("leader").waitFor();
      await seen.getByTestId("link-1-2").click();
      await seen.locator(".popover").waitFor();
      await expectClean(seen);
      await seen.close();
    } finally {
      await still.dispose();
    }
  });
});
