/** A command whose output nobody reads any more, and that is told to end. */
import { spawn, type ChildProcess } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { builtModule } from "../../src/server/launch/built.ts";
import { until } from "../conformance/wait.ts";

let child: ChildProcess | null = null;
afterEach(() => void child?.kill("SIGKILL"));

const IMPORTS = `
  const { runAsProcess } = await import(${JSON.stringify(builtModule("bin/options/prompt-options.js"))});
  const { openOutput } = await import(${JSON.stringify(builtModule("bin/files/output.js"))});`;
const INTERRUPTED = 130;

test.each([
  [
    "waits for its reader",
    `const output = await openOutput("-", false, signal);
     process.stderr.write("waits");
     for (;;) await output.write(Buffer.alloc(1024 * 1024));`,
  ],
  [
    "has said more than is read",
    `process.stdout.write(Buffer.alloc(4 * 1024 * 1024));
     process.stderr.write("waits");
     await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));`,
  ],
])("that %s ends", async (_, run) => {
  const program = `${IMPORTS}
    await runAsProcess(async (signal) => {
      try { ${run} } catch (error) { if (!signal.aborted) throw error; }
      return ${INTERRUPTED};
    });`;
  const started = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = started;
  started.stdout.pause();
  let said = "";
  started.stderr.on("data", (bytes: Buffer) => (said += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => started.once("exit", resolve));
  await until(() => said === "waits");
  await new Promise((wake) => setTimeout(wake, 100));
  started.kill("SIGTERM");
  const late = new Promise<string>((resolve) => setTimeout(() => resolve("late"), 4000).unref());
  expect(await Promise.race([ended, late])).toBe(INTERRUPTED);
});
