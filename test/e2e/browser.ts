/** Debian's Chromium without a window, for tests of the page. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext } from "playwright-core";

const CHROMIUM = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";

/** Null: there is one. */
export const whyNoBrowser: string | null = existsSync(CHROMIUM)
  ? null
  : `there is no Chromium at ${CHROMIUM} (apt-get install chromium, or set CHROMIUM_PATH)`;

export interface TestBrowser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** With a profile of its own, that `close` removes. */
export async function launchBrowser(
  options: {
    readonly width?: number;
    readonly height?: number;
    readonly dark?: boolean;
    /** As for users who asked for it: nothing is drawn on and on, sixty times a second and by this machine's processor. */
    readonly still?: boolean;
    /** Takes certificates of authorities that it does not know. */
    readonly believesAll?: boolean;
  } = {},
): Promise<TestBrowser> {
  const { width = 1280, height = 900, dark = false, still = false, believesAll = false } = options;
  const profile = mkdtempSync(join(tmpdir(), "omnikv-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    ignoreHTTPSErrors: believesAll,
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: still ? "reduce" : "no-preference",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
