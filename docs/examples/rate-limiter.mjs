// At most LIMIT calls in any WINDOW_MS, whoever makes them, wherever: each call is a key that goes away by itself.
//
//     node docs/examples/rate-limiter.mjs
//
// NODES names the cluster; without it nodes 1, 2 and 3 of this machine are meant.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "omnikv";

const nodes = process.env.NODES ?? "127.0.0.1:4101,127.0.0.1:4102,127.0.0.1:4103";
const LIMIT = 5;
const WINDOW_MS = 3000;
const client = createClient(nodes);

/** Whether a call may be made now. All that ask at once are told one after the other: it is one transaction each. */
async function mayCall(user) {
  const prefix = `calls/${user}/`;
  const lease = await client.leases.issue(WINDOW_MS);
  const { succeeded } = await client.txn({
    compare: [{ range: { prefix }, count: LIMIT, is: "<" }],
    then: [{ op: "put", key: prefix + randomUUID(), value: "", lease: lease.id }],
  });
  if (!succeeded) await client.leases.revoke(lease.id);
  return succeeded;
}

const count = async (calls) => {
  const answers = await Promise.all(Array.from({ length: calls }, () => mayCall("ada")));
  return answers.filter(Boolean).length;
};

console.log(`${await count(20)} of 20 calls may be made`);
await sleep(WINDOW_MS + 1000);
console.log(`${await count(20)} of 20 more, a window later`);
client.close();
