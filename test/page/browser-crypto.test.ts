/** The page's stand-in for node's crypto gives what node's gives. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as page from "../../src/page/browser/crypto.ts";

test("an HMAC is the same as node's, however the text is cut", () => {
  const part = fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array({ maxLength: 200 }));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 100 }), fc.array(part), (key, parts) => {
      const theirs = createHmac("sha256", key);
      let ours = page.createHmac("sha256", key);
      for (const each of parts) {
        theirs.update(each);
        ours = ours.update(each);
      }
      expect(Buffer.from(ours.digest())).toEqual(theirs.digest());
    }),
    { numRuns: 200 },
  );
});

test("a hash is the same as node's", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (parts) => {
      const theirs = createHash("sha256");
      const ours = page.createHash("sha256");
      for (const each of parts) {
        theirs.update(each);
        ours.update(each);
      }
      expect(Buffer.from(ours.digest())).toEqual(theirs.digest());
    }),
  );
});

test("comparison agrees with node's, and refuses what differs in length", () => {
  const bytes = fc.uint8Array({ minLength: 3, maxLength: 3, max: 1 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(page.timingSafeEqual(a, b)).toBe(timingSafeEqual(a, b));
    }),
  );
  expect(() => page.timingSafeEqual(new Uint8Array(1), new Uint8Array(2))).toThrow(RangeError);
});
