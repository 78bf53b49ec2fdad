/**
 * What the page is like to use: by keyboard, on a phone, in both themes, and what it says of what happens. Skipped, with the
 * reason, where there is no Chromium.
 */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, whyNoBrowser, type TestBrowser } from "./browser.ts";
import { eventually, TestCluster } from "./cluster.ts";

if (whyNoBrowser !== null) console.info(`the page's views are not tested: ${whyNoBrowser}`);

describe.skipIf(whyNoBrowser !== null)("the views", () => {
  let browser: TestBrowser;
  let cluster: TestCluster;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser();
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    page = await browser.context.newPage();
    await page.goto(`http://127.0.0.1:${cluster.nodes[0]!.port}/`);
    await page.getByTestId("leader").waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.dispose();
  });

  const stateOf = (link: string): Promise<string | null> =>
    page.getByTestId(link).getAttribute("data-state");
  const focused = (): Promise<string | null> =>
    page.evaluate("document.activeElement?.getAttribute('data-testid') ?? null");

  test("a link is broken one way, and restored, by keyboard alone; Escape goes back to it", async () => {
    const link = page.getByTestId("link-1-2");
    await link.focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("link-break").waitFor();
    expect(await focused()).toBe("link-break");
    await page.keyboard.press("Escape");
    await page.getByTestId("link-break").waitFor({ state: "detached" });
    expect(await focused()).toBe("link-1-2");
    await page.keyboard.press("Enter");
    await page.getByTestId("link-break").waitFor();
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe("link-break-ab");
    await page.keyboard.press("Enter");
    await eventually("one way only", async () => (await stateOf("link-1-2")) === "oneWay");
    expect(await link.getAttribute("aria-label")).toContain("from node 2 to node 1 only");
    await link.click();
    await page.getByTestId("link-restore").click();
    await eventually("whole again", async () => (await stateOf("link-1-2")) === "connected");
  });

  test("a click elsewhere closes the menu", async () => {
    await page.getByTestId("link-1-2").click();
    await page.getByTestId("link-break").waitFor();
    await page.locator("#time-title").click();
    await page.getByTestId("link-break").waitFor({ state: "detached" });
  });

  test("a link is made slow and flaky, and groups are parted", async () => {
    const link = page.getByTestId("link-1-2");
    await link.click();
    await page.getByTestId("link-flaky").click();
    await eventually("faulty", async () => (await stateOf("link-1-2")) === "faulty");
    await link.click();
    await page.getByTestId("link-delay").click();
    await eventually("both are shown", async () =>
      /30 %.*50 ms/s.test((await link.getAttribute("aria-label")) ?? ""),
    );
    const result = page.getByTestId("scenario-result");
    await page.getByTestId("partition-input").fill("1,2 | x");
    await page.getByTestId("partition-button").click();
    await eventually("refused", async () => (await result.innerText()).includes("is no node"));
    await page.getByTestId("partition-input").fill("1 | 2,3");
    await page.getByTestId("partition-button").click();
    await eventually("said", async () => (await result.innerText()).includes("1 | 2,3"));
    await eventually("cut", async () => (await stateOf("link-1-2")) === "broken");
    expect(await stateOf("link-2-3")).toBe("connected");
    await page.getByTestId("heal-all").click();
    await eventually("whole again", async () => (await stateOf("link-1-2")) === "connected");
  });

  test("details show what the node says, and isolate it; a scenario says what it did; an election is announced", async () => {
    const leader = await cluster.leader(cluster.admin());
    await page.getByTestId(`node-${leader}`).click();
    const details = page.getByTestId("node-details");
    expect(await details.innerText()).toContain(`127.0.0.1:${cluster.nodes[leader - 1]!.port}`);
    await page.getByTestId("isolate").click();
    const result = page.getByTestId("scenario-result");
    await eventually("it is said", async () => (await result.innerText()).includes("is alone"));
    await eventually("it is no longer the leader", async () => {
      const role = await page.getByTestId(`node-${leader}`).getAttribute("data-role");
      return role === "cutOff";
    });
    await eventually("the election is announced", async () =>
      /leads with ballot/.test(await page.getByTestId("announcement").innerText()),
    );
    expect(await page.getByTestId("events").innerText()).toContain("leads with ballot");
    await page.keyboard.press("Escape");
    await page.getByTestId("heal-all").click();
    await eventually("healed", async () => (await result.innerText()).includes("whole"));
  });

  test("keys are swapped, listed by prefix and picked", async () => {
    await page.getByTestId("leader").waitFor();
    await page.getByTestId("node-select").selectOption("2");
    await page.getByTestId("key-input").fill("fruit/apple");
    await page.getByTestId("value-input").fill("red");
    await page.getByTestId("cas-button").click();
    const result = page.getByTestId("operation-result");
    await eventually("created", async () => /: swapped/.test(await result.innerText()));
    await page.getByTestId("cas-button").click();
    await eventually("refused", async () => /not swapped: found/.test(await result.innerText()));
    await page.getByTestId("expected-input").fill("red");
    await page.getByTestId("value-input").fill("green");
    await page.getByTestId("cas-button").click();
    await eventually("replaced", async () => /: swapped/.test(await result.innerText()));
    await page.getByTestId("prefix-input").fill("fruit/");
    await page.getByTestId("list-button").click();
    await page.getByTestId("key-list").getByText("fruit/apple").click();
    await eventually("read", async () => /green/.test(await result.innerText()));
  });

  test("hovering over a strip tells what the node was then", async () => {
    const strips = page.locator(".strips > svg");
    await strips.scrollIntoViewIfNeeded();
    const box = (await strips.boundingBox())!;
    await strips.hover({ position: { x: box.width - 14, y: 15 } });
    const tip = page.getByTestId("strip-tip");
    await tip.waitFor();
    expect(await tip.innerText()).toMatch(/^node 1: (leader|follower)/);
  });

  test("the theme is chosen and kept", async () => {
    const toggle = page.getByTestId("theme-toggle");
    const background = (): Promise<string> =>
      page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await background();
    await toggle.click();
    expect(await background()).toBe(light);
    await toggle.click();
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByTestId("leader").waitFor();
    expect(await background()).toBe(dark);
    await toggle.click();
    expect(await background()).toBe(light);
  });

  test("nothing is wider than a phone", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await eventually(
      "all fits",
      async () => (await page.evaluate("document.documentElement.scrollWidth")) === 360,
    );
    await page.setViewportSize({ width: 1280, height: 900 });
  });
});
