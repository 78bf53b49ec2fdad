/**
 * Standard output for a log that its program must outlive: its reader may go away ("| head"), and its file may lie on a
 * disk that is full. Lines that cannot be written then are lost, and later lines are tried again.
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
  // A full disk takes only a part of a line: the next line must not continue it.
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
