/** Signing in where the cluster has no key for tokens yet, as after a restore. */
import { expect, test } from "vitest";
import { KvError } from "../../../src/base/errors.ts";
import { changeAccess, type AccessChange } from "../../../src/store/access/access-change.ts";
import {
  EMPTY_ACCESS,
  withoutTokenKey,
  type AccessState,
} from "../../../src/store/access/access.ts";
import { SignIn, type SignedIn } from "../../../src/server/gateway/sign-in.ts";
import { TokenKeyMaker } from "../../../src/server/gateway/token-key.ts";
import { createNodeRandom } from "../../../src/machine/runtime/node-random.ts";

const SETUP: readonly AccessChange[] = [
  { kind: "addUser", user: "root", passwordHash: "hash of secret" },
  { kind: "grantRole", user: "root", role: "root" },
  { kind: "turnOn", tokenKey: "b2xk" },
];

function world(propose: "works" | "refuses" | "is lost") {
  let access: AccessState = EMPTY_ACCESS;
  const apply = (change: AccessChange): void => {
    const next = changeAccess(access, change);
    if (typeof next !== "number") access = next;
  };
  SETUP.forEach(apply);
  access = withoutTokenKey(access);
  const proposed: AccessChange[] = [];
  const timers: (() => void)[] = [];
  const tokenKey = new TokenKeyMaker({
    clock: {
      after: (_ms: number, run: () => void) => {
        timers.push(run);
        return () => {};
      },
    },
    random: createNodeRandom(),
    propose: (change, actor, done) => {
      if (propose === "refuses") throw new KvError("NO_QUORUM", "no leader");
      expect(actor.name).toBe("");
      proposed.push(change);
      if (propose === "is lost") return;
      apply(change);
      done(null);
    },
  });
  const signIn = new SignIn({
    passwords: {
      hash: (password, done) => done(`hash of ${password}`),
      verify: (password, hash, done) => done(hash === `hash of ${password}`),
      wallMs: () => 1000,
    },
    access: () => access,
    tokenKey,
    nowMs: () => 0,
  });
  const told: (SignedIn | KvError)[] = [];
  const enter = (
    proof: { password: string } | { token: string },
  ): SignedIn | KvError | undefined => {
    signIn.signIn("10.0.0.1:1", "root", proof, (result) => told.push(result));
    return told.at(-1);
  };
  return {
    enter,
    apply,
    proposed,
    told,
    keyNow: () => access.tokenKey,
    late: () => timers.forEach((run) => run()),
  };
}

test("the first who signs in has the log make one, and its token is good", () => {
  const { enter, proposed, keyNow } = world("works");
  const signedIn = enter({ password: "secret" });
  if (signedIn === undefined || signedIn instanceof KvError) throw new Error("signed in");
  expect(proposed).toMatchObject([{ kind: "makeTokenKey" }]);
  expect(Buffer.from(keyNow(), "base64")).toHaveLength(32);
  expect(enter({ token: signedIn.token })).toMatchObject({ actor: { name: "root" } });
  expect(enter({ password: "secret" })).toMatchObject({ actor: { name: "root" } });
  expect(proposed).toHaveLength(1);
});

test("no token is made with no key, nor taken: whoever cannot have one is told why", () => {
  const refusing = world("refuses");
  expect(refusing.enter({ password: "secret" })).toMatchObject({ code: "NO_QUORUM" });
  expect(refusing.enter({ token: "W10.x" })).toMatchObject({ code: "UNAUTHENTICATED" });
  const losing = world("is lost");
  losing.enter({ password: "secret" });
  losing.enter({ password: "secret" });
  expect(losing.proposed).toHaveLength(1);
  expect(losing.told).toEqual([]);
  losing.late();
  expect(losing.told).toMatchObject([{ code: "NO_QUORUM" }, { code: "NO_QUORUM" }]);
  expect(losing.keyNow()).toBe("");
});

test("a token is good until its user has another password", () => {
  const { enter, apply } = world("works");
  const signedIn = enter({ password: "secret" });
  if (signedIn === undefined || signedIn instanceof KvError) throw new Error("signed in");
  apply({ kind: "setPassword", user: "root", passwordHash: "hash of secret" });
  expect(enter({ token: signedIn.token })).toMatchObject({ code: "UNAUTHENTICATED" });
});

test("a wrong password has none made", () => {
  const { enter, proposed } = world("works");
  expect(enter({ password: "wrong" })).toMatchObject({ code: "UNAUTHENTICATED" });
  expect(proposed).toEqual([]);
});
