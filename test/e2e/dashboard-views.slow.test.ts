/**
 * What the page is like to use: by keyboard, on a phone, in both themes, and what it says of what happens. Skipped, with the
 * reason, where there is no Chromium.
 */
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
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
  // A test that fails half way is not to be the end of those after it.
  afterEach(async () => {
    await page.keyboard.press("Escape");
    await cluster.makeWhole();
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
    // Beside the cross stands what is broken, not what passes.
    expect(await link.locator(".link-label").innerText()).toBe("1 → 2");
    expect(await link.textContent()).toContain("from node 2 to node 1 only");
    await link.click();
    await page.getByTestId("link-restore").click();
    await eventually("whole again", async () => (await stateOf("link-1-2")) === "connected");
  });

  test("a click counts, whatever is drawn anew between its beginning and its end", async () => {
    await page.getByTestId("load-20").click();
    const link = page.getByTestId("link-1-2");
    const label = link.locator(".link-label");
    for (let i = 0; i < 3; i++) {
      await label.hover();
      const before = await label.innerText();
      await page.mouse.down();
      await eventually("it shows another rate", async () => (await label.innerText()) !== before);
      await page.mouse.up();
      await page.getByTestId("link-break").waitFor({ timeout: 5000 });
      await page.keyboard.press("Escape");
      await page.getByTestId("link-break").waitFor({ state: "detached" });
    }
    await page.getByTestId("load-0").click();
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
    await page.getByTestId("link-drop").fill("15");
    await page.getByTestId("link-delay").fill("40");
    await page.getByTestId("link-degrade").click();
    await eventually("faulty", async () => (await stateOf("link-1-2")) === "faulty");
    await eventually("both are shown", async () =>
      /15 %.*40 ms/s.test((await link.textContent()) ?? ""),
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
    await page.getByTestId("node-show-details").click();
    const details = page.getByTestId("node-details");
    expect(await details.innerText()).toContain(`127.0.0.1:${cluster.nodes[leader - 1]!.port}`);
    await page.getByTestId(`node-${leader}`).click();
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
    await page.getByTestId("heal-all").click();
    await eventually("healed", async () => (await result.innerText()).includes("whole"));
  });

  test("keys are swapped, listed by prefix and picked", async () => {
    await page.getByTestId("leader").waitFor();
    await page.getByTestId("node-select").selectOption("2");
    await page.getByTestId("key-input").fill("fruit/apple");
    await page.getByTestId("value-input").fill("red");
    await page.getByTestId("cas-open").click();
    await page.getByTestId("cas-button").click();
    const result = page.getByTestId("operation-result");
    await eventually("created", async () => /: swapped/.test(await result.innerText()));
    await page.getByTestId("cas-button").click();
    await eventually("refused", async () => /not swapped: found/.test(await result.innerText()));
    await page.getByTestId("expected-input").fill("red");
    await page.getByTestId("value-input").fill("green");
    await page.getByTestId("expected-input").press("Enter");
    await eventually("replaced", async () => /: swapped/.test(await result.innerText()));
    await page.getByTestId("prefix-input").fill("fruit/");
    await page.getByTestId("list-button").click();
    await page.getByTestId("key-list").getByText("apple").click();
    await eventually("read", async () => /green/.test(await result.innerText()));
  });

  test("Enter in the value is a new line, and another key never shows the former one's value", async () => {
    const client = cluster.client();
    await client.write("edit/a", "of a");
    await client.write("edit/b", "of b");
    const value = page.getByTestId("value-input");
    const result = page.getByTestId("operation-result");
    await page.getByTestId("prefix-input").fill("edit/");
    await page.getByTestId("list-button").click();
    const keys = page.getByTestId("key-list");
    await keys.getByText("a", { exact: true }).click();
    await eventually("a is read", async () => (await value.inputValue()) === "of a");
    const before = await result.innerText();
    await value.press("End");
    await value.press("Enter");
    expect(await value.inputValue()).toBe("of a\n");
    expect(await result.innerText()).toBe(before);
    await keys.getByText("b", { exact: true }).click();
    await page.getByTestId("discard-yes").click();
    await eventually("b is read", async () => (await value.inputValue()) === "of b");
    await page.getByTestId("key-input").fill("edit/bc");
    expect(await value.inputValue()).toBe("");
  });

  test("a value with CRLF keeps it, and one with mixed line ends is not edited", async () => {
    const client = cluster.client();
    await client.write("edit/crlf", "l1\r\nl2\r\n");
    await client.write("edit/mixed", "l1\r\nl2\n");
    const value = page.getByTestId("value-input");
    await page.getByTestId("key-input").fill("edit/crlf");
    await page.getByTestId("read-button").click();
    await eventually("it is read", async () => (await value.inputValue()) === "l1\nl2\n");
    await value.press("Control+End");
    await value.press("x");
    await value.press("Enter");
    await page.getByTestId("write-button").click();
    await eventually(
      "it is saved",
      async () => (await client.read("edit/crlf")).text() === "l1\r\nl2\r\nx\r\n",
    );
    await page.getByTestId("key-input").fill("edit/mixed");
    await page.getByTestId("read-button").click();
    const why = page.getByTestId("value-why");
    await why.waitFor();
    expect(await why.innerText()).toContain("omnikv put KEY -");
    expect(await value.isEditable()).toBe(false);
    expect(await page.getByTestId("write-button").isDisabled()).toBe(true);
    await page.getByTestId("key-input").fill("edit/a");
    expect(await value.isEditable()).toBe(true);
  });

  test("what somebody else changed meanwhile is not overwritten unseen; deleting asks", async () => {
    const client = cluster.client();
    await page.getByTestId("key-input").fill("edit/a");
    await page.getByTestId("read-button").click();
    const value = page.getByTestId("value-input");
    await eventually("it is read", async () => (await value.inputValue()) === "of a");
    await client.write("edit/a", "theirs");
    await value.fill("mine");
    await page.getByTestId("write-button").click();
    const conflict = page.getByTestId("conflict");
    await conflict.waitFor();
    expect(await conflict.innerText()).toContain("theirs");
    expect((await client.read("edit/a")).text()).toBe("theirs");
    await page.getByTestId("keep-mine").click();
    await eventually("mine is saved", async () => (await client.read("edit/a")).text() === "mine");
    await page.getByTestId("delete-button").click();
    expect((await client.read("edit/a")).found).toBe(true);
    await page.getByTestId("delete-yes").click();
    await eventually("it is deleted", async () => !(await client.read("edit/a")).found);
  });

  test("by keyboard, deleting asks where one is, and goes back to where one was", async () => {
    await page.getByTestId("key-input").fill("edit/b");
    await page.getByTestId("delete-button").focus();
    await page.keyboard.press("Enter");
    await page.getByTestId("delete-yes").waitFor();
    expect(await focused()).toBe("delete-no");
    await page.keyboard.press("Escape");
    await page.getByTestId("delete-yes").waitFor({ state: "detached" });
    expect(await focused()).toBe("delete-button");
  });

  test("the history that is shown follows what is saved", async () => {
    const client = cluster.client();
    await client.write("edit/past", "one");
    await page.getByTestId("key-input").fill("edit/past");
    await page.getByTestId("read-button").click();
    const value = page.getByTestId("value-input");
    await eventually("it is read", async () => (await value.inputValue()) === "one");
    await page.getByTestId("history-open").click();
    await page.getByTestId("history-button").click();
    const versions = page.getByTestId("history-list").locator("li");
    await eventually("it is shown", async () => (await versions.count()) === 1);
    await value.fill("two");
    await page.getByTestId("write-button").click();
    await eventually("both are shown", async () => (await versions.count()) === 2);
    expect(await versions.first().innerText()).toContain("two");
    // From one version to another nothing is lost; what was typed goes at the second click only.
    const take = versions.last().locator("button");
    await take.click();
    expect(await value.inputValue()).toBe("one");
    await value.fill("typed");
    await take.click();
    expect(await value.inputValue()).toBe("typed");
    expect(await take.innerText()).toBe("Replace what you typed?");
    await take.click();
    expect(await value.inputValue()).toBe("one");
    expect(await take.innerText()).toBe("Edit this value");
  });

  test("keys that were listed stay while no node can be asked, with their folders open", async () => {
    await cluster.client().write("stay/inside", "x");
    await page.getByTestId("prefix-input").fill("");
    await page.getByTestId("list-button").click();
    const keys = page.getByTestId("key-list");
    await keys.getByText("stay/", { exact: true }).click();
    const inside = keys.getByText("inside", { exact: true });
    await inside.waitFor();
    for (const { id } of cluster.nodes) cluster.signal(id, "SIGSTOP");
    await page.getByTestId("keys-past").waitFor();
    expect(await inside.isVisible()).toBe(true);
    for (const { id } of cluster.nodes) cluster.signal(id, "SIGCONT");
    await page.getByTestId("keys-past").waitFor({ state: "detached" });
    expect(await inside.isVisible()).toBe(true);
    await page.getByTestId("leader").waitFor();
  });

  test("the load is turned on and off", async () => {
    const top = async (id: string): Promise<number> =>
      (await page.getByTestId(id).boundingBox())?.y ?? Number.NaN;
    // A click may scroll the page: what moved is told by the distance from the button above.
    const below = async (): Promise<number> =>
      (await top("scenario-chain")) - (await top("load-20"));
    const before = await below();
    await page.getByTestId("load-20").click();
    const said = page.getByTestId("load-result");
    await eventually("writes are answered", async () => /\d answered/.test(await said.innerText()));
    expect(await below()).toBeCloseTo(before, 1);
    expect(await page.getByTestId("events").innerText()).toContain("20 writes a second");
    await page.getByTestId("load-0").click();
    expect(await page.title()).toMatch(/^node \d leads – /);
  });

  test("names say what is seen, and lists of facts are in no menu", async () => {
    await page.getByTestId("node-1").click();
    const wrong = await page.evaluate<string[]>(`(() => {
      const words = (text) => (text ?? "").toLowerCase().replaceAll(/\\s+/g, " ").trim();
      const all = (selector) => [...document.querySelectorAll(selector)];
      const misnamed = all("button[aria-label]").filter(
        (button) => !words(button.ariaLabel).includes(words(button.innerText)),
      );
      const nameless = all("input, select, textarea").filter(
        (field) => field.closest("label") === null && field.ariaLabel === null,
      );
      const inMenus = all("[role=menu] dl, [role=menu] dt");
      return [...misnamed, ...nameless, ...inMenus].map((element) => element.outerHTML);
    })()`);
    expect(wrong).toEqual([]);
    await page.keyboard.press("Escape");
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

  test("nothing moves when a node goes", async () => {
    const top = async (): Promise<readonly number[]> => {
      const boxes = ["node-1", "changes-on"].map((id) => page.getByTestId(id).boundingBox());
      return (await Promise.all(boxes)).map((box) => box?.y ?? Number.NaN);
    };
    await page.reload();
    await page.getByTestId("leader").waitFor();
    const before = await top();
    await cluster.kill(3);
    await eventually("it is said", async () =>
      (await page.getByTestId("banner").innerText()).includes("Node 3 cannot be reached"),
    );
    await page.getByTestId("events").getByText("node 3 is gone").waitFor();
    expect(await top()).toEqual(before);
    expect(await page.title()).toMatch(/^(2 of 3 nodes|no leader) – /);
    await cluster.start(3);
    await eventually("all is well", async () =>
      (await page.getByTestId("banner").innerText()).startsWith("All 3 nodes answer"),
    );
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
