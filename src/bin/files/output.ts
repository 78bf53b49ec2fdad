/** Where a command writes its result: a file that is there whole or not at all, or standard output. */
import { once } from "node:events";
import { KvError, noRoomText, systemCode } from "../../base/index.ts";
import { NewFile } from "../../machine/host/index.ts";
import { DiskFullError } from "../../machine/ports/index.ts";

export type Output = Pick<NewFile, "write" | "finish" | "giveUp">;

/**
 * @param file "-" for standard output
 * @param signal when it is aborted nobody waits any more for a reader of standard output that stands still: `write` rejects
 * @throws as NewFile.begin
 */
export async function openOutput(
  file: string,
  force: boolean,
  signal?: AbortSignal,
): Promise<Output> {
  return file === "-" ? standardOutput(signal) : NewFile.begin(file, force);
}

/**
 * For a lack of room an error in the command's words; any other error as it is.
 * @param what such as "no backup was made"
 */
export function withoutRoom(error: unknown, file: string, what: string): unknown {
  const cause = error instanceof DiskFullError ? error.cause : error;
  const lack = noRoomText(systemCode(cause));
  if (lack === null || file === "-") return error;
  const text = `cannot write ${file}: ${lack}. ${what} and nothing of it is left: make room there, or give a place on another disk`;
  return new KvError("DISK_FULL", text, { cause: error });
}

/** Each piece is handed over before the next is asked for. */
function standardOutput(signal: AbortSignal | undefined): Output {
  const { stdout } = process;
  let failure: Error | null = null;
  stdout.on("error", (error) => (failure = error));
  const check = (): void => {
    if (failure !== null) throw failure;
  };
  return {
    write: async (bytes) => {
      check();
      if (!stdout.write(bytes)) await once(stdout, "drain", { signal });
      check();
    },
    finish: () =>
      new Promise((resolve, reject) =>
        stdout.write("", (error) => (error == null ? resolve() : reject(error))),
      ),
    giveUp: () => Promise.resolve(),
  };
}
