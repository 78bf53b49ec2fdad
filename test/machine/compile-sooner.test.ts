import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const MODULE = new URL("../../src/machine/host/compile-sooner.ts", import.meta.url);
const countsCalls = Number.parseInt(process.versions.node, 10) >= 22;

/** Calls of a short function until it is optimized, which is done within the call. */
const COUNT = `
  const { compileSooner } = await import(${JSON.stringify(MODULE.href)});
  const isOptimized = new Function("f", "return (%GetOptimizationStatus(f) & 16) !== 0");
  const short = (a, b) => (a < b ? a : b) + 1;
  function count() {
    let calls = 0;
    for (; !isOptimized(short) && calls < 1e6; calls++) short(calls, 7);
    console.log(calls);
  }
  // Else the loop is optimized first, and the short function is in it.
  new Function("f", "%NeverOptimizeFunction(f)")(count);
  if (process.argv[1] === "sooner") compileSooner(0);
  setTimeout(count, 50);
`;

function calls(when: string): number {
  const flags = ["--import", "tsx", "--allow-natives-syntax", "--no-concurrent-recompilation"];
  const args = [...flags, "--input-type=module", "--eval", COUNT, when];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

test.skipIf(countsCalls)("a short function is optimized after a fifth of the calls", () => {
  const usual = calls("usual");
  const sooner = calls("sooner");
  expect(usual).toBeLessThan(1e6);
  expect(sooner).toBeGreaterThan(0);
  expect(sooner).toBeLessThan(usual / 5);
});
