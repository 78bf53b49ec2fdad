/** What the page makes proofs of gives what nodes make them of. */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as node from "../../src/links/handshake/proof-hash.ts";
import * as page from "../../src/page/browser/proof-hash.ts";

// The bundle puts one in the place of the other: whatever is exported there must be here.
const browser: typeof node = page;

test("an HMAC is the same as node's, however the text is cut", () => {
  const part = fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array({ maxLength: 200 }));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 100 }), fc.array(part), (key, parts) => {
      const expected = createHmac("sha256", key);
      for (const each of parts) expected.update(each);
      const digest = expected.digest();
      expect(Buffer.from(node.hmacSha256(key, parts))).toEqual(digest);
      expect(Buffer.from(browser.hmacSha256(key, parts))).toEqual(digest);
    }),
    { numRuns: 200 },
  );
});

test("comparison agrees with node's, and refuses what differs in length", () => {
  const bytes = fc.uint8Array({ minLength: 3, maxLength: 3, max: 1 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(browser.isSameProof(a, b)).toBe(node.isSameProof(a, b));
    }),
  );
  for (const { isSameProof } of [node, browser]) {
    expect(() => isSameProof(new Uint8Array(1), new Uint8Array(2))).toThrow(RangeError);
  }
});
