/** What adapters are made with, looked at when they are made. */
import { expect, test } from "vitest";
import { OmnikvLevel } from "../../src/adapters/abstract-level/index.ts";
import { OmnikvSessionStore } from "../../src/adapters/express-session.ts";
import { KeyvOmnikv } from "../../src/adapters/keyv.ts";
import { OmnikvLockManager } from "../../src/adapters/locks.ts";
import { omnikvRunCoordinator } from "../../src/adapters/node-cron.ts";
import { omnikvDriver } from "../../src/adapters/unstorage.ts";
import { FakeCluster } from "../client/fake-cluster.ts";

const client = new FakeCluster().client();
/** As a program without types makes them. */
const MADE: Readonly<Record<string, (client: never, options?: never) => unknown>> = {
  keyv: (...given) => new KeyvOmnikv(...given),
  unstorage: (kv, options) => omnikvDriver({ client: kv, ...(options as object | undefined) }),
  "express-session": (...given) => new OmnikvSessionStore(...given),
  "node-cron": (...given) => omnikvRunCoordinator(...given),
  locks: (...given) => new OmnikvLockManager(...given),
};

test.each(Object.entries(MADE))("%s names what is wrong", (_, make) => {
  for (const wrong of [undefined, null, 5, "127.0.0.1:4101", {}, Symbol("s")]) {
    expect(() => make(wrong as never)).toThrow(
      expect.objectContaining({ code: "BAD_REQUEST", message: expect.stringMatching(/^client: /) }),
    );
  }
  for (const name of ["namespace", "prefx", "ttlMs"]) {
    expect(() => make(client as never, { [name]: 5 } as never)).toThrow(
      `${name}: there is no such option, there are `,
    );
  }
  expect(make(client as never)).toBeDefined();
});

test("abstract-level hands options that it does not know on to whoever hooks into it", () => {
  const options = { prefix: "p/", somebodyElses: 5 } as object;
  expect(new OmnikvLevel(client, options)).toBeDefined();
  for (const wrong of [null, 5, {}]) {
    expect(() => new OmnikvLevel(wrong as never)).toThrow("client: ");
  }
});
