// Configuration that is taken up while the program runs: the newest state of a few keys, all of one moment.
//
//     node docs/examples/configuration.mjs
//     omnikv put config/limit 20
//     omnikv txn put config/limit 50 put config/mode '"careful"'
//
// NODES names the cluster; without it nodes 1, 2 and 3 of this machine are meant.
import { createClient } from "omnikv";

const nodes = process.env.NODES ?? "127.0.0.1:4101,127.0.0.1:4102,127.0.0.1:4103";
const kv = createClient(nodes);
const over = new AbortController();
process.on("SIGINT", () => over.abort()).on("SIGTERM", () => over.abort());

const DEFAULTS = { limit: 10, mode: "quick" };
let config = DEFAULTS;

try {
  const names = Object.keys(DEFAULTS);
  const keys = names.map((name) => `config/${name}`);
  for await (const { revision, results } of kv.observe(keys, { signal: over.signal })) {
    try {
      const given = names.flatMap((name, i) =>
        results[i].found ? [[name, results[i].json()]] : [],
      );
      config = { ...DEFAULTS, ...Object.fromEntries(given) };
      console.log(`revision ${revision}: ${JSON.stringify(config)}`);
    } catch (error) {
      // A slip of the pen must not end the program: it goes on with what it has.
      console.log(`revision ${revision} is not taken: ${error.message}`);
    }
  }
} catch (error) {
  if (error.code !== "CANCELLED") throw error;
} finally {
  kv.close();
}
