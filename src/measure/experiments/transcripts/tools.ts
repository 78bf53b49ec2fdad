import { spawnSync } from "node:child_process";
import { namespacesRefusal } from "../../subjects/namespaces.ts";

/** Why machines cannot be made here; null: they can. */
export function toolsRefusal(programs: readonly string[]): string | null {
  const missing = programs.filter((program) => {
    return spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0;
  });
  return missing.length === 0 ? namespacesRefusal() : `there is no ${missing.join(", no ")} here`;
}
