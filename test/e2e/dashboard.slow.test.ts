/**
 * The page in a real browser, served by real servers: what it shows, what it does to the cluster, and what other sites
 * cannot do. Skipped, with the reason, where there is no Chromium.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { allPairs } from "../../src/client/scenarios/pairs.ts";
import { launchBrowser, whyNoBrowser, type TestBrowser } from "./browser.ts";
import { eventually, TestCluster } from "./cluster.ts";

if (whyNoBrowser !== null) console.info(`the page is not tested: ${whyNoBrowser}`);

let browser: TestBrowser;
/** Of three, for all tests that leave it as it was, but for keys. */
let shared: TestCluster;
/** The one of the present test. */
let cluster: TestCluster;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (whyNoBrowser !== null) return;
  shared = await TestCluster.create(3);
  await shared.startAll();
  browser = await launchBrowser({ still: true });
});
beforeEach(() => {
  cluster = shared;
});
afterAll(async () => {
  if (whyNoBrowser !== null) return;
  await browser.close();
  await shared.dispose();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  // A test that fails half way is not to be the end of those after it.
  await shared.makeWhole();
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
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
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
  // What stands there instead says more than that no node does.
  await page
    .getByTestId(`node-${cluster.nodes[0]!.id}`)
    .waitFor({ timeout: 60_000 })
    .catch(async (cause: unknown) => {
      const text = await page.locator("body").innerText();
      throw new Error(`the page shows no node: "${text}"`, { cause });
    });
  return eventually("page and nodes agree on who leads and who follows", async () => {
    const leader = await cluster.leader(admin);
    const roles = await Promise.all(cluster.nodes.map(({ id }) => roleOf(page, id)));
    const agreed = cluster.nodes.every(
      ({ id }, i) => roles[i] === (id === leader ? "leader" : "follower"),
    );
    return agreed ? leader : undefined;
  });
}

/** As a user does it: click the link, then break it both ways. */
async function breakLink(page: Page, a: number, b: number): Promise<void> {
  const link = page.getByTestId(`link-${Math.min(a, b)}-${Math.max(a, b)}`);
  await link.click();
  await page.getByTestId("link-break").click();
  await eventually(
    "the link is broken",
    async () => (await link.getAttribute("data-state")) === "broken",
  );
}

describe.skipIf(whyNoBrowser !== null)("other sites", () => {
  test("can neither connect to a node nor read what it serves", async () => {
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
      const { page, complaints } = await openPage(2, host);
      await agreedLeader(page);
      expect(complaints).toEqual([]);
    },
  );

  test("isolating the leader, link by link, moves the leadership; healing all brings everybody back", async () => {
    const { page, complaints } = await openPage(1);
    const leader = await agreedLeader(page);
    for (const { id } of cluster.nodes.filter((node) => node.id !== leader)) {
      await breakLink(page, leader, id);
    }
    await eventually("another node leads, and the old leader does not", async () => {
      const roles = await Promise.all(cluster.nodes.map(({ id }) => roleOf(page, id)));
      return roles.includes("leader") && roles[leader - 1] !== "leader";
    });
    await page.getByTestId("heal-all").click();
    await agreedLeader(page);
    for (const [a, b] of [
      [1, 2],
      [1, 3],
      [2, 3],
    ]) {
      await eventually(
        `link ${a}-${b} is whole`,
        async () =>
          (await page.getByTestId(`link-${a}-${b}`).getAttribute("data-state")) === "connected",
      );
    }
    expect(complaints).toEqual([]);
  });

  test("changes are shown as they happen", async () => {
    const { page, complaints } = await openPage(1);
    await agreedLeader(page);
    await page.getByTestId("changes-prefix").fill("app/");
    await page.getByTestId("changes-on").click();
    const state = page.getByTestId("changes-state");
    await eventually("it holds", async () => (await state.textContent())?.startsWith("none yet"));
    const client = cluster.client();
    await client.write("app/a", "hello");
    await client.write("other", "hello");
    await client.delete("app/a");
    const rows = page.getByTestId("changes").locator("li");
    await eventually("both are there", async () => (await rows.count()) === 2);
    expect(await rows.nth(0).textContent()).toMatch(/^app\/adeletedrevision \d+$/);
    expect(await rows.nth(1).textContent()).toContain("app/a = hello");
    expect(complaints).toEqual([]);
  });

  test("leases count down with their keys, and locks are shown with who holds and who waits", async () => {
    const { page, complaints } = await openPage(2);
    await agreedLeader(page);
    const client = cluster.client();
    await client.write("service/a", "10.0.0.1", { ttl: 6000 });
    await page.getByTestId("leases-on").click();
    const leases = page.getByTestId("leases").locator("> li");
    await eventually("the lease is shown", async () =>
      /^lease \d+6 s left of 6 s.*service\/a$|^lease \d+[1-5] s left of 6 s.*service\/a$/.test(
        (await leases.first().textContent()) ?? "",
      ),
    );
    await eventually("it counts down", async () =>
      /[12] s left/.test((await leases.first().textContent()) ?? ""),
    );
    await eventually(
      "it is gone",
      async () =>
        (await page.getByTestId("leases-state").textContent()) ===
        "There are no leases, so no locks either.",
    );
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const first = client.locks.request("a/job", { owner: "the first" }, () => held);
    await eventually("it is held", async () => (await client.locks.query()).held.length === 1);
    const waiting = Array.from({ length: 7 }, async (_, i) => {
      await client.locks.request("a/job", { owner: `waiter ${i}` }, () => {});
    });
    const lock = page.getByTestId("locks").locator("> li").first();
    await eventually("all are shown", async () =>
      /^a\/joblockheld by the first, token \d+, \d+ s left.*and 2 more$/.test(
        (await lock.textContent()) ?? "",
      ),
    );
    release();
    await Promise.all([first, ...waiting]);
    await eventually("all are gone", async () => (await lock.count()) === 0);
    expect(complaints).toEqual([]);
  }, 240_000);

  test("a key is written, read and deleted, and all of it is listed", async () => {
    const { page, complaints } = await openPage(1);
    await agreedLeader(page);
    const operations = page.getByTestId("last-operations");
    await page.getByTestId("key-input").fill("greeting");
    await page.getByTestId("value-input").fill("hello");
    await page.getByTestId("write-button").click();
    const client = cluster.client();
    await eventually("it is written", async () => {
      const read = await client.read("greeting");
      return read.found && Buffer.from(read.value).toString() === "hello";
    });
    await client.write("greeting", "from elsewhere");
    await page.getByTestId("read-button").click();
    await eventually("it is read", async () =>
      (await operations.innerText()).includes("from elsewhere"),
    );
    await page.getByTestId("delete-button").click();
    await page.getByTestId("delete-yes").click();
    await eventually("it is deleted", async () => !(await client.read("greeting")).found);
    await eventually("all three are listed", async () => {
      const lines = await operations.locator("li").allInnerTexts();
      return lines.length === 3 && lines.every((line) => line.includes("greeting"));
    });
    expect(complaints).toEqual([]);
  });

  test("a value is swapped on a condition, and keys are listed and picked", async () => {
    const { page, complaints } = await openPage(3);
    await agreedLeader(page);
    const client = cluster.client();
    await client.write("list/a", "1");
    await client.write("list/b", "2");
    await client.write("other", "3");
    await page.getByTestId("prefix-input").fill("list/");
    await page.getByTestId("list-button").click();
    const keys = page.getByTestId("key-list").locator("li");
    const names = page.getByTestId("key-list").locator(".key-name");
    await eventually("the keys are listed", async () => (await keys.count()) === 2);
    expect(await names.allInnerTexts()).toEqual(["a", "b"]);
    await keys.first().locator("button").click();
    expect(await page.getByTestId("key-input").inputValue()).toBe("list/a");
    const value = page.getByTestId("value-input");
    await eventually("its value is shown", async () => (await value.inputValue()) === "1");
    await page.getByTestId("cas-open").click();
    const swap = async (expected: string, answer: string): Promise<void> => {
      await page.getByTestId("expected-input").fill(expected);
      await page.getByTestId("value-input").fill("new");
      await page.getByTestId("cas-button").click();
      const newest = page.getByTestId("last-operations").locator("li").first();
      await eventually(answer, async () => (await newest.innerText()).includes(answer));
    };
    await swap("wrong", "not swapped");
    await swap("1", "swapped");
    const read = await client.read("list/a");
    expect(read.found && Buffer.from(read.value).toString()).toBe("new");
    expect(complaints).toEqual([]);
  });

  test("a key's history is shown, an old value taken up, and a transaction checks before it changes", async () => {
    const { page, complaints } = await openPage(2);
    await agreedLeader(page);
    const client = cluster.client();
    await client.write("txn/k", "one");
    await client.delete("txn/k");
    const { revision } = await client.write("txn/k", "three");
    await page.getByTestId("key-input").fill("txn/k");
    await page.getByTestId("read-button").click();
    const value = page.getByTestId("value-input");
    await eventually("its value is shown", async () => (await value.inputValue()) === "three");
    await page.getByTestId("history-open").click();
    await page.getByTestId("history-button").click();
    const versions = page.getByTestId("history-list").locator("li");
    await eventually("all versions are listed", async () => (await versions.count()) === 3);
    expect((await versions.allInnerTexts()).map((text) => text.replace(/\s+/g, " "))).toEqual([
      expect.stringMatching(`revision ${revision}, version 1 three`) as string,
      expect.stringMatching(/: deleted$/) as string,
      expect.stringMatching(/version 1 one/) as string,
    ]);
    await versions.last().locator("button").click();
    expect(await value.inputValue()).toBe("one");
    await page.getByTestId("txn-open").click();
    await page.getByTestId("txn-add-check").click();
    await page.getByTestId("txn-check-0-key").fill("txn/k");
    await page.getByTestId("txn-check-0-operand").fill(String(revision - 1));
    await page.getByTestId("txn-change-0-key").fill("txn/other");
    await page.getByTestId("txn-change-0-value").fill("4");
    await page.getByTestId("txn-run").click();
    const newest = page.getByTestId("last-operations").locator("li").first();
    const says = (text: string): Promise<unknown> =>
      eventually(text, async () => (await newest.innerText()).includes(text));
    await says(`not committed: txn/k was last changed at revision ${revision}`);
    expect((await client.read("txn/other")).found).toBe(false);
    await page.getByTestId("txn-check-0-operand").fill(String(revision));
    await page.getByTestId("txn-run").click();
    await says("committed at revision");
    const read = await client.read("txn/other");
    expect(read.found && read.text()).toBe("4");
    expect(complaints).toEqual([]);
  });

  test("a page whose node does not answer at first says so, and tries again", async () => {
    const page = await browser.context.newPage();
    closers.push(() => page.close());
    let failures = 2;
    await page.route("**/cluster.json", (route) => {
      failures -= 1;
      return failures < 0 ? route.continue() : route.abort();
    });
    const { host, port } = cluster.nodes[0]!;
    await page.goto(`http://${host}:${port}/`);
    await page.getByText("It tries again until it can").waitFor();
    await agreedLeader(page);
  });

  test("a scenario cuts what it says, and writes go on through whoever can lead", async () => {
    await startCluster(5);
    const { page, complaints } = await openPage(1);
    await agreedLeader(page);
    await page.getByTestId("scenario-quorum-loss").click();
    // The hub follows from the links, as they are shown: on a busy machine the leader may change before the click does anything.
    const hub = await eventually("all hear one node and no other", async () => {
      const pairs = allPairs(cluster.nodes.map(({ id }) => id));
      const states = await Promise.all(
        pairs.map(([a, b]) => page.getByTestId(`link-${a}-${b}`).getAttribute("data-state")),
      );
      const inState = (wanted: string) => pairs.filter((_, i) => states[i] === wanted);
      const whole = inState("connected");
      if (whole.length !== 4 || inState("broken").length !== 6) return undefined;
      return cluster.nodes.find(({ id }) => whole.every((pair) => pair.includes(id)))?.id;
    });
    await eventually("it leads, as nobody else can", async () => {
      const roles = await Promise.all(cluster.nodes.map(({ id }) => roleOf(page, id)));
      return cluster.nodes.every(({ id }, i) => (roles[i] === "leader") === (id === hub));
    });
    await cluster.client().write("k", "still");
    expect(complaints).toEqual([]);
  });

  test("the theme is the system's until it is chosen, and the choice stays", async () => {
    const { page, complaints } = await openPage(1);
    const background = (): Promise<string> =>
      page.evaluate("getComputedStyle(document.body).backgroundColor");
    const seen = new Set([await background()]);
    for (let i = 0; i < 3 && seen.size < 2; i++) {
      await page.getByTestId("theme-toggle").click();
      seen.add(await background());
    }
    expect(seen.size).toBe(2);
    const chosen = await background();
    await page.reload();
    await eventually("it is as it was", async () => (await background()) === chosen);
    expect(complaints).toEqual([]);
  });

  test("keys and values that look like markup are shown as they are", async () => {
    const { page, complaints } = await openPage(1);
    const attack = `<img src=x onerror="alert('owned')"><script>alert(1)</script>`;
    await cluster.client().write(attack, attack);
    await page.getByTestId("key-input").fill(attack);
    await page.getByTestId("read-button").click();
    const operations = page.getByTestId("last-operations");
    await eventually("it is shown", async () => (await operations.innerText()).includes(attack));
    expect(await page.locator("img, #app script").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("the secret is asked for; with the wrong one nothing is shown, with the right one everything", async () => {
    await startCluster(3, { secret: "c0rrect-h0rse-battery-staple-0451" });
    const { page, complaints } = await openPage(2);
    const secret = page.getByTestId("secret-input");
    await secret.fill("wr0ng-h0rse-battery-staple-0451");
    await secret.press("Enter");
    await eventually("it is refused", () => cluster.log(1).includes("UNAUTHORIZED"));
    expect(await roleOf(page, 1)).not.toBe("leader");
    await eventually("it is asked for again", () => secret.isVisible());
    await secret.fill("c0rrect-h0rse-battery-staple-0451");
    await secret.press("Enter");
    await agreedLeader(page);
    expect(await secret.count()).toBe(0);
    expect(page.url()).not.toContain("horse");
    const kept = await page.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
    );
    expect(kept).not.toContain("horse");
    expect(complaints).toEqual([]);
  });

  test("a node that is killed is down within two seconds, and everything of it is past", async () => {
    const { page } = await openPage(1);
    const leader = await agreedLeader(page);
    await cluster.kill(leader);
    await eventually("it is down", async () => (await roleOf(page, leader)) === "down", 2000);
    await eventually("another leads", async () => {
      const roles = await Promise.all(cluster.nodes.map(({ id }) => roleOf(page, id)));
      return roles.includes("leader");
    });
    await cluster.start(leader);
    await agreedLeader(page);
  });

  test("without --allow-faults it only looks on", async () => {
    cluster = await TestCluster.create(2);
    closers.push(() => cluster.dispose());
    await Promise.all(cluster.nodes.map(({ id }) => cluster.start(id, { allowFaults: false })));
    const { page, complaints } = await openPage(1);
    await agreedLeader(page);
    const heal = page.getByTestId("heal-all");
    expect((await heal.count()) === 0 || (await heal.isDisabled())).toBe(true);
    expect(complaints).toEqual([]);
  });
});
