import { expect, test } from "vitest";
import { FLAG_DEFAULTS, readServerOptions } from "../../../src/server/process/options.ts";

test("in a cluster of one or two nobody takes a lost disk's place: the rest is no majority", () => {
  const flags = { ...FLAG_DEFAULTS, node: "1", rejoin: true } as const;
  for (const peers of ["1=127.0.0.1", "1=127.0.0.1,2=127.0.0.1"]) {
    expect(() => readServerOptions({ ...flags, peers }, "0")).toThrow(
      /--rejoin: .* no lost disk can be replaced/,
    );
  }
  expect(readServerOptions(flags, "0").node.rejoin).toBe(true);
});
