import { expect, test } from "vitest";
import { isHost } from "../../src/base/index.ts";

test.each(["db", "kv-2.example", "node_1", "127.0.0.1", "::1", "fe80::1%eth0", "fe80::1%eth0.100"])(
  "%s may be a host",
  (host) => expect(isHost(host)).toBe(true),
);

test.each(["", "10.0.0.256", "1.2.3.4.5", "a/b", "a b", "[::1]", "::1::", "%eth0", "xn--a"])(
  "%s is none",
  (host) => expect(isHost(host)).toBe(false),
);
