/**
 * Standard output for a log that its program must outlive: whoever reads it may go away ("| head"), and the file it goes
 * to may lie on a disk that is full. What cannot be written then is lost, and later lines are tried again.
 */
import { fstatSync, writeSync } from "node:fs";
import { outliveReader } from "./reader-gone.ts";

const DESCRIPTOR = 1;

/** Writes whole lines, at once where the system allows it. Never throws. */
export function createStandardOutput(): (line: string) => void {
  outliveReader();
  return isFile() ? fileWriter() : streamWriter();
}

function isFile(): boolean {
  try {
    return fstatSync(DESCRIPTOR).isFile();
  } catch {
    // It was closed before we were started.
    return false;
  }
}

/** Not through process.stdout: that stream is over for good after its first error. */
function fileWriter(): (line: string) => void {
  // A full disk takes what fits of a line: the next one is not to be its continuation.
  let isTorn = false;
  return (line) => {
    const bytes = Buffer.from(isTorn ? `\n${line}` : line);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(DESCRIPTOR, bytes, written);
      isTorn = false;
    } catch {
      isTorn ||= written > 0;
    }
  };
}

function streamWriter(): (line: string) => void {
  process.stdout.on("error", () => {});
  return (line) => void process.stdout.write(line);
}
