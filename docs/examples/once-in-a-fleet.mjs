// A job that every machine of a fleet starts, and that is to be done once. If the one that does it dies, another one does it.
//
//     node docs/examples/once-in-a-fleet.mjs 2026-12-01
//
// NODES names the cluster; without it nodes 1, 2 and 3 of this machine are meant.
import { createClient } from "omnikv";

const nodes = process.env.NODES ?? "127.0.0.1:4101,127.0.0.1:4102,127.0.0.1:4103";
const [day = "today"] = process.argv.slice(2);
const MACHINES = 5;

async function machine(name) {
  const client = createClient(nodes);
  try {
    return await client.locks.request(`report/${day}`, { ttl: 5000, owner: name }, async (lock) => {
      const done = await client.read(`report/${day}`);
      if (done.found) return `${name}: ${done.text()} has done it`;
      const report = `report of ${day}`; // The work. It looks at lock.signal if it takes long.
      // The result and the mark that it is done are one step, which fails when the lock is not held any more.
      await client.guarded(lock).txn({
        then: [
          { op: "put", key: `report/${day}/text`, value: report },
          { op: "put", key: `report/${day}`, value: name },
        ],
      });
      return `${name}: done, with token ${lock.token}`;
    });
  } finally {
    client.close();
  }
}

const machines = Array.from({ length: MACHINES }, (_, i) => machine(`machine ${i + 1}`));
for (const line of await Promise.all(machines)) console.log(line);
