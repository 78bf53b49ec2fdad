/** The end-to-end tests run the built program: make sure that it is the present one. */
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

export function setup(): void {
  const root = resolve(import.meta.dirname, "../..");
  execFileSync("sh", [join(root, "scripts/ensure-ready.sh")], { stdio: "inherit" });
}
