/** What hashing costs, and what a node answers that cannot pay it. */
import { expect, test } from "vitest";
import type { KvError } from "../../../src/base/index.ts";
import type { Passwords } from "../../../src/machine/ports/index.ts";
import { SignIn, type SignedIn } from "../../../src/server/gateway/sign-in.ts";
import { EMPTY_ACCESS, type AccessState } from "../../../src/store/index.ts";

const ON: AccessState = {
  ...EMPTY_ACCESS,
  isOn: true,
  tokenKey: Buffer.alloc(32, 7).toString("base64"),
  users: new Map([["ann", { name: "ann", passwordHash: "h", generation: 3, roles: [] }]]),
};

interface World {
  readonly signIn: SignIn;
  hasMemory: boolean;
  hashes: number;
}

function world(): World {
  const self = { hasMemory: true, hashes: 0 };
  const later = <T>(done: (result: T | null) => void, result: T): void => {
    self.hashes += 1;
    setImmediate(() => done(self.hasMemory ? result : null));
  };
  const passwords: Passwords = {
    hash: (_, done) => later(done, "made"),
    verify: (password, hash, done) => later(done, password === "right" && hash === "h"),
    wallMs: () => 0,
  };
  const parts = { passwords, access: () => ON, tokenKey: { make: () => {} }, nowMs: () => 0 };
  return Object.assign(self, { signIn: new SignIn(parts) });
}

function enter({ signIn }: World, user: string, password: string): Promise<SignedIn | KvError> {
  return new Promise((done) => signIn.signIn("10.0.0.1:1", user, { password }, done));
}

test("without memory for a hash nobody signs in, no password is set, and both may be tried again", async () => {
  const at = world();
  at.hasMemory = false;
  for (const user of ["ann", "nobody"]) {
    // More often than wrong passwords are let be tried.
    for (let i = 0; i < 30; i++) {
      expect(await enter(at, user, "right")).toMatchObject({ code: "OVERLOADED" });
    }
  }
  const hashed = await new Promise((done) => at.signIn.hash("10.0.0.1:1", "new", done));
  expect(hashed).toMatchObject({ code: "OVERLOADED" });
  at.hasMemory = true;
  expect(await enter(at, "ann", "right")).toMatchObject({ actor: { name: "ann" } });
  at.hasMemory = false;
  expect(await enter(at, "ann", "right")).toMatchObject({ code: "OVERLOADED" });
});

test.each(["ann", "nobody"])(
  "the first try takes as many hashes for %s as for anybody",
  async (user) => {
    const at = world();
    await enter(at, user, "wrong");
    expect(at.hashes).toBe(2);
    await enter(at, user, "wrong");
    expect(at.hashes).toBe(3);
  },
);
