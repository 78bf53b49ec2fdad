/** The command `omnikv` as the compiler wrote it, a file for each module, which a module that is loaded before may change. */
import { runCommand } from "../../dist/bin/commands.js";

await runCommand(process.argv.slice(2));
