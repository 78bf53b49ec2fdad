/** Who is at the other end: what a certificate may say of it. */
import { expect, test } from "vitest";
import { Identity } from "../../../src/server/gateway/identity.ts";
import { EMPTY_ACCESS } from "../../../src/store/index.ts";

function shownBy(commonName: string | null): Identity {
  const security = { binding: new Uint8Array(32), wrongHost: () => null, commonName };
  return new Identity({ security: () => security }, "none");
}

test("a certificate's common name is who asks", () => {
  expect(shownBy("ann").actor(0)).toEqual({ name: "ann", generation: 0 });
});

test.each([null, "", "a b", "x".repeat(1000)])(
  "a certificate with a name that no user can have is nobody's, and not the secret's holder's: %j",
  (commonName) => {
    const identity = shownBy(commonName);
    expect(identity.actor(0)).toBeNull();
    expect(identity.means(EMPTY_ACCESS, 0)).toBe("none");
  },
);
