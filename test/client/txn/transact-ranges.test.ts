/** Ranges that a transaction of the client library reads in part. */
import { expect, test } from "vitest";
import { settle, valueOf } from "../ask.ts";
import { FakeCluster } from "../fake-cluster.ts";

test.each(["next", "next, with a limit", "next and return", "for await and break"])(
  "a range is checked as far as it was read: %s",
  async (how) => {
    const cluster = new FakeCluster(1);
    const kv = cluster.client();
    const other = cluster.client();
    await settle(cluster, kv.write("job/1", "free"));
    await settle(cluster, kv.write("job/2", "free"));
    let runs = 0;
    const outcome = await settle(
      cluster,
      kv.transact(async (tx) => {
        runs += 1;
        const range = tx.range({ prefix: "job/" }, how.includes("limit") ? { limit: 1 } : {});
        let seen = "";
        if (how.startsWith("for")) {
          for await (const entry of range) {
            seen = entry.text();
            break;
          }
        } else {
          const entry = await range.next();
          seen = entry.done === true ? "" : entry.value.text();
        }
        if (how.endsWith("return")) await range.return(undefined);
        // What was not read may change.
        await other.write("job/2", "taken by another one");
        if (runs === 1) await other.write("job/1", "taken by another one");
        if (seen === "free") tx.put("job/1", "taken by this one");
      }),
    );
    expect(outcome.attempts).toBe(2);
    expect(valueOf(cluster, "job/1")).toBe("taken by another one");
  },
);
