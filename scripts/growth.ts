/** How cost grows with the data and its history: `npx tsx scripts/growth.ts COMMAND [--help]`. */
import { catchUp } from "./growth/catch-up.ts";
import { overwrite } from "./growth/overwrite.ts";
import { loadOne, restart } from "./growth/restart.ts";
import { serve } from "./growth/serve.ts";

/** `load` is what `restart` calls itself with. */
const COMMANDS: Readonly<Record<string, (flags: readonly string[]) => Promise<void>>> = {
  "catch-up": catchUp,
  load: loadOne,
  overwrite,
  restart,
  serve,
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const [name = "", ...flags] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) {
  process.exitCode = 1;
} else {
  await command(flags);
}
