import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { decodeMsgpack, encodeMsgpack } from "../../../src/protocol/codec/msgpack.ts";

test("what strangers send is parsed in JavaScript, not by a native module", () => {
  expect(decodeMsgpack(encodeMsgpack(["a", { b: "c".repeat(100) }]))).toEqual([
    "a",
    { b: "c".repeat(100) },
  ]);
  // In a process of its own: here, other packages may have loaded what they like.
  const script = `
    import "./src/protocol/codec/msgpack.ts";
    process.stdout.write(process.report.getReport().sharedObjects.join("\\n"));
  `;
  const libraries = execFileSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", script],
    { encoding: "utf8" },
  );
  expect(libraries).not.toMatch(/msgpackr/);
});
