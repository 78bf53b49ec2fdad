/** Management that is loaded when it is first used. */
import { expect, test } from "vitest";
import { createAdminClient } from "../../../src/client/api/index.ts";

test("is loaded again when that failed the first time", async () => {
  let asked = 0;
  const admin = createAdminClient({
    nodes: "1=127.0.0.1:1",
    secret: () => {
      asked += 1;
      if (asked === 1) throw new Error("EBUSY");
      return "secret";
    },
  });
  await expect(admin.whoami(1)).rejects.toThrow("EBUSY");
  await expect(admin.whoami(1)).rejects.toMatchObject({ code: "CONNECTION_FAILED" });
  admin.close();
});
