import { expect, test } from "vitest";
import { FLAG_DEFAULTS, readServerOptions } from "../../src/server/options.ts";

test("a node alone cannot take the place of a lost disk: nobody has its data", () => {
  const flags = { ...FLAG_DEFAULTS, node: "1", rejoin: true } as const;
  const alone = { ...flags, peers: "1=127.0.0.1:4101:4201" };
  expect(() => readServerOptions(alone, "0")).toThrow(/--rejoin: .* nobody to take the data from/);
  expect(readServerOptions(flags, "0").node.rejoin).toBe(true);
});
