/** Users on the page, in a real browser: signing in and out, and what is greyed for want of rights. */
import { createAdminClient } from "../../src/client/api/index.ts";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, whyNoBrowser, type TestBrowser } from "./browser.ts";
import { eventually, TestCluster } from "./cluster.ts";

if (whyNoBrowser !== null) console.info(`users on the page are not tested: ${whyNoBrowser}`);

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe.skipIf(whyNoBrowser !== null)("users on the page", () => {
  let browser: TestBrowser;
  let cluster: TestCluster;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser();
    cluster = await TestCluster.create(3);
    await cluster.startAll();
    await cluster.client().write("shop/1", "apples");
    await cluster.client().write("other", "pears");
    const admin = createAdminClient({ nodes: cluster.nodes });
    await cluster.led(admin);
    const call = (change: Parameters<typeof admin.call<"changeAccess">>[2]["change"]) =>
      admin.call(1, "changeAccess", { change });
    await call({ kind: "addUser", user: "root", password: "of root" });
    await call({ kind: "grantRole", user: "root", role: "root" });
    await call({ kind: "addUser", user: "ann", password: "of ann" });
    await call({ kind: "addRole", role: "shop" });
    await call({
      kind: "permit",
      role: "shop",
      may: "read",
      start: bytes("shop/"),
      end: bytes("shop0"),
    });
    await call({ kind: "grantRole", user: "ann", role: "shop" });
    await call({ kind: "turnOn" });
    admin.close();
    page = await browser.context.newPage();
    await page.goto(`http://127.0.0.1:${cluster.nodes[0]!.port}/`);
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await cluster?.dispose();
  });

  const signIn = async (user: string, password: string): Promise<void> => {
    await page.getByTestId("user-input").fill(user);
    await page.getByTestId("password-input").fill(password);
    await page.getByTestId("sign-in-submit").click();
  };
  const shot = async (name: string): Promise<void> => {
    const directory = process.env["TEST_SCREENSHOTS"];
    if (directory !== undefined) await page.screenshot({ path: `${directory}/${name}.png` });
  };
  const titleOf = (testId: string): Promise<string | null> =>
    page.getByTestId(testId).getAttribute("title");

  test("nobody is told that he has to sign in, and may do nothing", async () => {
    await page.getByTestId("sign-in").waitFor();
    expect(await page.getByTestId("banner").innerText()).toContain("sign in first");
    expect(await page.getByTestId("heal-all").isDisabled()).toBe(true);
    await page.getByTestId("key-input").fill("shop/1");
    expect(await page.getByTestId("read-button").isDisabled()).toBe(true);
    expect(await titleOf("read-button")).toBe("Access control is on: sign in first");
    await shot("nobody");
  });

  test("a wrong password is said, and changes nothing", async () => {
    await page.getByTestId("sign-in").click();
    await signIn("ann", "wrong");
    await eventually("it is said", async () =>
      (await page.getByTestId("sign-in-wrong").innerText()).includes("wrong user or password"),
    );
    await shot("wrong-password");
  });

  test("who signed in does what its roles permit; the rest is greyed with the reason", async () => {
    await signIn("ann", "of ann");
    await page.getByTestId("sign-out").waitFor();
    expect(await page.getByTestId("who").innerText()).toBe("ann");
    await page.getByTestId("readable-prefix").click();
    await page.getByTestId("key-list").getByText("1", { exact: true }).waitFor();
    await page.getByTestId("key-input").fill("shop/1");
    await page.getByTestId("read-button").click();
    await eventually(
      "it is read",
      async () => (await page.getByTestId("value-input").inputValue()) === "apples",
    );
    expect(await page.getByTestId("write-button").isDisabled()).toBe(true);
    expect(await titleOf("write-button")).toContain("lets ann write this key");
    expect(await titleOf("heal-all")).toContain("ann has not the role root");
    await shot("ann");
    await page.getByTestId("key-input").fill("other");
    expect(await titleOf("read-button")).toContain("lets ann read this key");
  });

  test("who signs out is nobody, and root sees and may do everything", async () => {
    expect(await page.locator("main").innerText()).toContain("apples");
    await page.getByTestId("sign-out").click();
    await page.getByTestId("sign-in").click();
    // What ann has read is not for who comes next.
    expect(await page.locator("main").innerText()).not.toContain("apples");
    await signIn("root", "of root");
    await page.getByTestId("leader").waitFor();
    expect(await page.getByTestId("who").innerText()).toBe("root");
    await page.getByTestId("key-input").fill("other");
    expect(await page.getByTestId("read-button").isDisabled()).toBe(false);
    await shot("root");
  });
});
