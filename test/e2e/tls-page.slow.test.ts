/** The page over TLS in a real browser: it is served, connects to all nodes, and proves the secret there. */
import { afterEach, expect, test } from "vitest";
import { Certificates, hasOpenssl } from "../machine/certificates.ts";
import { launchBrowser, whyNoBrowser, type TestBrowser } from "./browser.ts";
import { eventually, TestCluster } from "./cluster.ts";

const SECRET = "c0rrect-h0rse-battery-staple-0451";
const made = hasOpenssl ? new Certificates() : null;
let cluster: TestCluster;
let browser: TestBrowser;

afterEach(async () => {
  await browser.close();
  await cluster.dispose();
});

test.skipIf(whyNoBrowser !== null || made === null)(
  "the page works over https with the secret (needs Chromium and openssl)",
  async () => {
    browser = await launchBrowser({ believesAll: true });
    cluster = await TestCluster.create(3, { secret: SECRET });
    const { cert, key } = made!.files(["127.0.0.1"]);
    await cluster.startAll("--cert-file", cert, "--key-file", key);
    const page = await browser.context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(`https://127.0.0.1:${cluster.nodes[0]!.port}/`);
    const secret = page.getByTestId("secret-input");
    await secret.fill(SECRET);
    await secret.press("Enter");
    await eventually("all three nodes are shown, one of them leads", async () => {
      const roles = await Promise.all(
        [1, 2, 3].map((id) => page.getByTestId(`node-${id}`).getAttribute("data-role")),
      );
      const count = (role: string): number => roles.filter((each) => each === role).length;
      return count("leader") === 1 && count("follower") === 2;
    });
    expect(complaints).toEqual([]);
  },
  240_000,
);
