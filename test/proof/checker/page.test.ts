/** The report as a browser shows it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkLinearizable,
  explain,
  kvModel,
  renderHtml,
} from "../../../src/proof/checker/index.ts";
import { launchBrowser, whyNoBrowser, type TestBrowser } from "../../e2e/browser.ts";
import { corrupted, generate, withRead } from "./generate.ts";

const HOSTILE = "</script><img src=x onerror=alert(1)>";
const skipped = whyNoBrowser === null ? "" : ` (skipped: ${whyNoBrowser})`;

describe.skipIf(whyNoBrowser !== null)(`the page${skipped}`, () => {
  let browser: TestBrowser;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "omnikv-page-"));
    browser = await launchBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("shows what cannot be ordered, one part at a time, with details on hover and a search", async () => {
    const plan = { seed: 4, clients: 5, operations: 120, keys: 3, mix: ["read", "write"] as const };
    const fine = generate(plan);
    const wrong = corrupted(fine);
    const last = wrong.operations.findLastIndex(({ request }) => request.kind === "read");
    const history = withRead(wrong, last, HOSTILE);
    const result = checkLinearizable(kvModel, history, { stopAtViolation: false });
    const bad = result.partitions.filter(({ verdict }) => verdict === "violation");
    expect(bad.length).toBeGreaterThan(0);
    const explanations = bad.map((partition) => explain(kvModel, partition));
    const file = join(folder, "report.html");
    writeFileSync(file, renderHtml(result, { explanations }));

    const page = await browser.context.newPage();
    const trouble: string[] = [];
    page.on("pageerror", (error) => trouble.push(error.message));
    page.on("dialog", (dialog) => trouble.push(dialog.message()));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) trouble.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);

    expect(await page.locator("#part-verdict").textContent()).toBe("violation");
    expect(await page.locator("#explanation").textContent()).toContain("no explanation");
    const shown = bad[0]!;
    const bars = page.locator("#chart rect.bar");
    expect(await bars.count()).toBe(shown.operations.length);
    expect(await page.locator("#chart rect.core").count()).toBeGreaterThan(0);
    expect(await page.locator("#order li").count()).toBe(shown.order.length + 1);
    expect(await page.locator("#order li.stop").textContent()).toContain("could not come next");

    await page.locator("#chart rect.blocked").hover();
    const tip = page.locator("#tip");
    expect(await tip.isVisible()).toBe(true);
    expect(await tip.textContent()).toContain("could not come next");

    const { process } = shown.operations[0]!;
    const count = shown.operations.filter((operation) => operation.process === process).length;
    await page.locator("#search").fill(`client ${process}`);
    expect(await page.locator("#found").textContent()).toContain(
      `${count} of ${shown.operations.length} match`,
    );
    await page.locator("#search").fill("");

    const fineAt = result.partitions.findIndex(({ verdict }) => verdict === "ok");
    expect(fineAt).toBeGreaterThanOrEqual(0);
    await page.locator("#partition").selectOption(String(fineAt));
    expect(await page.locator("#part-verdict").textContent()).toBe("ok");
    expect(await page.locator("#why").isHidden()).toBe(true);
    expect(trouble).toEqual([]);
    await page.close();
  }, 120_000);
});
