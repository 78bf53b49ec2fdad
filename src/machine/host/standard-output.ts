/**
 * Standard output for a log that its program must outlive: its reader may go away ("| head"), and its file may lie on a
 * disk that is full. Lines that cannot be written then are lost, and later lines are tried again. A reader may stand still, too: what waits
 * for it has a bound, and the lines beyond it are counted.
 */
import { fstatSync, writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { outliveReader } from "./reader-gone.ts";

const DESCRIPTOR = 1;
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** Told how many lines the reader has missed, when it reads again: a line may say so then. */
type LeftOut = (lines: number) => void;

/** Writes whole lines, at once where the system allows it. Never throws. */
export function createStandardOutput(onLeftOut: LeftOut): (line: string) => void {
  outliveReader();
  return isFile() ? fileWriter() : streamWriter(onLeftOut);
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

function streamWriter(onLeftOut: LeftOut): (line: string) => void {
  process.stdout.on("error", () => {});
  return boundedWriter(process.stdout, onLeftOut);
}

/** @param stream its reader may stand still */
export function boundedWriter(
  stream: Pick<Writable, "write" | "writableLength" | "once">,
  onLeftOut: LeftOut,
): (line: string) => void {
  let leftOut = 0;
  const tell = (): void => {
    const lines = leftOut;
    leftOut = 0;
    onLeftOut(lines);
  };
  return (line) => {
    if (leftOut === 0 && stream.writableLength < WAITING_BYTES_MAX) {
      stream.write(line);
      return;
    }
    // Until all that waits has been read: otherwise every few lines would be followed by a number.
    if (leftOut === 0) stream.once("drain", tell);
    leftOut++;
  };
}
