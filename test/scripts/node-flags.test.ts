import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { NODE_FLAGS } from "../../src/server/launch/node-flags.ts";

test("a server runs with the same flags whoever starts it", () => {
  const script = readFileSync(resolve(import.meta.dirname, "../../scripts/omnikv.sh"), "utf8");
  expect(script).toContain(`exec node ${NODE_FLAGS.join(" ")} `);
});
