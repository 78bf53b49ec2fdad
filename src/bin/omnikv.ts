#!/usr/bin/env node
/** The command `omnikv`: printing the version loads nothing else. */
import { readFileSync } from "node:fs";

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  // The same path from src/bin and from dist/bin.
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  console.log((JSON.parse(text) as { version: string }).version);
} else {
  const { runCommand } = await import("./commands.ts");
  await runCommand(args);
}
