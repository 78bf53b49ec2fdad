/** How cost grows with the data and its history: `npx tsx scripts/growth.ts COMMAND [--help]`. */
import { exitOnSignals } from "../src/measure/experiments/entry.ts";
import { refuse } from "../src/measure/experiments/flags.ts";
import { catchUp } from "../src/measure/experiments/growth/catch-up.ts";
import { overwrite } from "../src/measure/experiments/growth/overwrite.ts";
import { loadOne, restart } from "../src/measure/experiments/growth/restart.ts";
import { serve } from "../src/measure/experiments/growth/serve.ts";

/** `load` is what `restart` calls itself with. */
const COMMANDS: Readonly<Record<string, (flags: readonly string[]) => Promise<void>>> = {
  "catch-up": catchUp,
  load: loadOne,
  overwrite,
  restart,
  serve,
};

const USAGE = `Usage: npx tsx scripts/growth.ts COMMAND [--help]   (npm run build first)

  overwrite   the same keys written again and again: rate, latency, disk and memory, second by second
  catch-up    a follower that was down gets a snapshot: what that costs the clients of the leader
  serve       from the start of a server to its first reads, by number of keys
  restart     how long a snapshot takes to load, by number of keys`;

exitOnSignals();
const [name = "--help", ...flags] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command !== undefined) await command(flags);
else if (name === "--help") console.log(USAGE);
else refuse(`COMMAND: expected overwrite, catch-up, serve or restart, got "${name}"`);
