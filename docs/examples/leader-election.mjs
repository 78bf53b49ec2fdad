// Three workers, of which one works at a time. Each would be a process of its own; here they are three clients of one.
//
//     node docs/examples/leader-election.mjs
//
// NODES names the cluster; without it nodes 1, 2 and 3 of this machine are meant.
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "omnikv";

const nodes = process.env.NODES ?? "127.0.0.1:4101,127.0.0.1:4102,127.0.0.1:4103";
const TERMS = 3;
const stop = new AbortController();
const order = [];

async function worker(name) {
  const client = createClient(nodes);
  for await (const term of client.elect("worker", {
    value: name,
    ttl: 3000,
    signal: stop.signal,
  })) {
    order.push(name);
    console.log(`${name} leads, token ${term.token}`);
    // As long as it leads, and no longer: this writes only while the term lasts, whatever the clock says.
    await client.guarded(term).write("worker/last", name);
    await sleep(100);
    if (order.length === TERMS) stop.abort();
    // Behind the others again. Who dies instead is followed after its time to live.
  }
  client.close();
}

async function onlooker() {
  const client = createClient(nodes);
  for await (const leader of client.observeElection("worker", { signal: stop.signal })) {
    const who = leader === null ? "nobody" : Buffer.from(leader.value).toString();
    console.log(`  seen: ${who}`);
  }
  client.close();
}

await Promise.all([worker("a"), worker("b"), worker("c"), onlooker()]);
console.log(`${new Set(order).size} of three have led, one after the other`);
