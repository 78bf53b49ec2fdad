import { createReadStream } from "node:fs";
import { KvError, systemCode, systemReason, terminalText } from "../../base/index.ts";
import { type ReadBackup, readBackup } from "../../storage/backup/index.ts";
import { Progress } from "./progress.ts";

const READ_BYTES = 256 * 1024;

/** With its progress on the terminal. @throws BackupError, KvError BAD_REQUEST */
export async function readBackupFile(file: string): Promise<ReadBackup> {
  const progress = new Progress(`reading ${terminalText(file)}`);
  try {
    return await readBackup(chunksOf(file, (bytes) => progress.at(bytes)));
  } finally {
    progress.end();
  }
}

async function* chunksOf(
  file: string,
  onRead: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: READ_BYTES })) {
      const read = chunk as Uint8Array;
      bytes += read.length;
      onRead(bytes);
      yield read;
    }
  } catch (error) {
    // An error of the reader of these bytes does not come by here.
    if (systemCode(error) === "EISDIR") {
      const text = `${file} is a directory: expected a file that omnikv backup has made`;
      throw new KvError("BAD_REQUEST", text, { cause: error });
    }
    throw new KvError("BAD_REQUEST", `cannot read ${file}: ${systemReason(error)}`);
  }
}
