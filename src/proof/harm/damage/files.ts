/** Harm to files of a data directory. */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { claimedFrameBytes, FILE_HEADER_BYTES, readFrame } from "../../../storage/index.ts";

interface FramePlace {
  readonly from: number;
  readonly to: number;
}

export interface SegmentFile {
  readonly path: string;
  readonly number: number;
  readonly frames: readonly FramePlace[];
  /** Where its last frame ends. */
  readonly used: number;
}

/** Those that are part of the log or were, oldest first. */
export function segmentFiles(data: string): readonly SegmentFile[] {
  const directory = join(data, "log");
  const files = readdirSync(directory).filter((name) => name.endsWith(".log"));
  const found = files.flatMap((name) => {
    const file = segmentFile(join(directory, name));
    return file === null ? [] : [file];
  });
  return found.sort((a, b) => a.number - b.number);
}

export function newestSegment(data: string): SegmentFile {
  const newest = segmentFiles(data).at(-1);
  if (newest === undefined) throw new Error(`${data} has no log`);
  return newest;
}

function segmentFile(path: string): SegmentFile | null {
  const bytes = readFileSync(path);
  const frames: FramePlace[] = [];
  let number = 0;
  for (let at = FILE_HEADER_BYTES; ;) {
    const frame = readFrame(bytes, at);
    const length = claimedFrameBytes(bytes, at);
    if (frame === null || length === null) break;
    // What follows in a file that was used before is of an older segment.
    if (number !== 0 && frame.segment !== number) break;
    number = frame.segment;
    frames.push({ from: at, to: at + length });
    at += length;
  }
  const last = frames.at(-1);
  return last === undefined ? null : { path, number, frames, used: last.to };
}

export function overwrite(path: string, from: number, to: number, byte: number): void {
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(to - from, byte), 0, to - from, from);
  closeSync(file);
}

export function flipBit(path: string, at: number): void {
  const byte = readFileSync(path)[at] ?? 0;
  overwrite(path, at, at + 1, byte ^ 0x10);
}

/** In the middle of it. */
export function flipBitOf(path: string, frame: FramePlace | undefined): void {
  if (frame === undefined) throw new Error(`${path} has no such frame`);
  flipBit(path, Math.floor((frame.from + frame.to) / 2));
}

export function truncate(path: string, bytes: number): void {
  truncateSync(path, bytes);
}

export function remove(path: string): void {
  rmSync(path, { recursive: true });
}

export function replaceByFile(path: string): void {
  remove(path);
  writeFileSync(path, "");
}

export function swap(a: string, b: string): void {
  const between = `${a}-between`;
  renameSync(a, between);
  renameSync(b, a);
  renameSync(between, b);
}

export function snapshotFiles(data: string): readonly string[] {
  const directory = join(data, "snapshots");
  const files = readdirSync(directory).filter((name) => name.endsWith(".snapshot"));
  if (files.length === 0) throw new Error(`${data} has no snapshot`);
  return files.sort().map((name) => join(directory, name));
}

/** Changes text in it, and not its checksum. */
export function edit(path: string, from: string | RegExp, to: string): void {
  const before = readFileSync(path, "utf8");
  const after = before.replace(from, to);
  if (after === before) throw new Error(`${path} has no ${String(from)}`);
  writeFileSync(path, after);
}
