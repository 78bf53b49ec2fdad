// A registry of services: each instance writes itself under services/NAME/, and whoever needs one knows at every moment which
// there are. One that ends takes itself out; one that is killed is gone 10 s later, with its lease. Run it in several terminals, and
// end some of them with Ctrl-C, or kill them:
//
//     node docs/examples/service-registry.mjs web 10.0.0.1:80
//     node docs/examples/service-registry.mjs web 10.0.0.2:80
//
// NODES names the cluster; without it nodes 1, 2 and 3 of this machine are meant.
import { createClient } from "omnikv";

const [name = "web", address = `10.0.0.1:${process.pid}`] = process.argv.slice(2);
const nodes = process.env.NODES ?? "127.0.0.1:4101,127.0.0.1:4102,127.0.0.1:4103";
const kv = createClient(nodes);
const services = kv.withPrefix(`services/${name}/`);
const over = new AbortController();
process.on("SIGINT", () => over.abort()).on("SIGTERM", () => over.abort());

// One lease after the other, for as long as this process lives: who was cut off for long registers again.
const registered = (async () => {
  for await (const lease of services.leases.session({ ttl: 10_000, signal: over.signal })) {
    await services.write(address, JSON.stringify({ since: new Date() }), { lease });
    await lease.ended;
  }
})();

// The state at one revision, and whatever happens from the next one on: there is no gap between the two, and no overlap.
const { revision } = await services.count({});
const instances = new Set();
for await (const entry of services.range({}, { revision })) instances.add(entry.keyText());
const show = () => console.log(`${name}: ${[...instances].toSorted().join(", ")}`);
if (instances.size > 0) show();

try {
  const watch = services.watch({}, { from: revision + 1, signal: over.signal });
  for await (const { events } of watch) {
    for (const event of events) {
      if (event.type === "put") instances.add(event.keyText());
      else instances.delete(event.keyText());
    }
    show();
  }
} catch (error) {
  if (error.code !== "CANCELLED") throw error;
} finally {
  await registered;
  kv.close();
}
