// A process that holds a lock until it is told to end, and tells on standard output, a JSON object a line, what it knows of it.
import { createClient } from "omnikv";

const [nodes, name, ttl, key] = process.argv.slice(2);
const client = createClient(nodes);
const tell = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);
const STOOD_STILL_MS = 1000;

await client.locks
  .request(name, { ttl: Number(ttl), owner: `process ${process.pid}` }, async (lock) => {
    // Before it tells: it may be stopped as soon as it has.
    let last = performance.now();
    tell({ event: "held", token: lock.token });
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        const stoodStill = performance.now() - last;
        last = performance.now();
        if (stoodStill < STOOD_STILL_MS) return;
        // The very first thing after it was stopped.
        tell({ event: "woken", aborted: lock.signal.aborted });
        clearInterval(timer);
        resolve();
      }, 10);
    });
    // A holder that does not look at the signal: its write is not made by this client, and not by the nodes.
    const forced = { ...lock, signal: new AbortController().signal };
    for (const guard of [lock, forced]) {
      await client
        .guarded(guard)
        .write(key, `late, token ${lock.token}`)
        .then(
          () => tell({ event: "written" }),
          ({ code, definite }) => tell({ event: "refused", code, definite }),
        );
    }
  })
  .catch(({ code }) => tell({ event: "lost", code }));
client.close();
