/** Parts of the built program that run as processes of their own. */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Scripts and tests run this from its source; the processes that they start are built all the same. */
const FROM_SOURCE = import.meta.url.endsWith(".ts");

/** @param path below dist */
export function builtModule(path: string): string {
  return fileURLToPath(
    new URL((FROM_SOURCE ? "../../../dist/" : "../../") + path, import.meta.url),
  );
}

/** @param path below dist. The child does not inherit what runs TypeScript here: every closure would pay for it. */
export function forkBuilt(path: string, args: readonly string[] = []): ChildProcess {
  return fork(builtModule(path), args, FROM_SOURCE ? { execArgv: [] } : {});
}
