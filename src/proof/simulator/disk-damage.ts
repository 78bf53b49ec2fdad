/** The effects of mistakes on the files of a disk: pure functions from copy to copy. */
import { unreachable } from "../../base/index.ts";
import { type EndMark, FILE_HEADER_BYTES, readFrame } from "../../storage/index.ts";
import type { LostFile, SwappedPart, TailLoss } from "./mistake-plan.ts";
import type { DiskCopy } from "./sim-disk.ts";

const GARBAGE = 0xa5;
/** Of the used part, at most: what a page or two of a real disk would be. */
const TAIL_BYTES = 4096;
/** The last frames, in bytes: where a flipped bit looks like a write that was cut off. */
const FLIP_BYTES = 512;

interface NewestSegment {
  readonly path: string;
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Behind the last frame. */
  readonly usedBytes: number;
}

/** The mark stands behind the last frame, whose loss it shows then: a process that was killed may have left it a few frames behind. */
export function marksEnd(mark: EndMark | null, files: DiskCopy): boolean {
  const newest = newestSegment(files);
  if (newest === null) return true;
  return mark?.segment === newest.number && mark.position === newest.usedBytes;
}

/** Half of the files as they were at the one moment, half as at the other: copied while the node wrote. */
export function tornCopy(
  first: DiskCopy,
  second: DiskCopy,
  isFirst: (path: string) => boolean,
): DiskCopy {
  const files = new Map<string, Uint8Array>();
  for (const [path, bytes] of first) if (isFirst(path)) files.set(path, bytes);
  for (const [path, bytes] of second) if (!isFirst(path)) files.set(path, bytes);
  return files;
}

/** The log, with the snapshots that it names, from the older copy; the rest stays. */
export function logFrom(older: DiskCopy, files: DiskCopy): DiskCopy {
  const isLog = (path: string): boolean => isIn("all but identity and memory", path);
  return new Map([
    ...[...files].filter(([path]) => !isLog(path)),
    ...[...older].filter(([path]) => isLog(path)),
  ]);
}

export function loseTail(files: DiskCopy, how: TailLoss, permille: number): DiskCopy {
  const newest = newestSegment(files);
  if (newest === null) return files;
  const { path, usedBytes } = newest;
  const bytes = newest.bytes.slice();
  const lostBytes = 1 + Math.floor((Math.min(TAIL_BYTES, usedBytes) * permille) / 1000);
  const from = Math.max(0, usedBytes - lostBytes);
  const damaged = (): Uint8Array => {
    switch (how) {
      case "empty":
        return new Uint8Array(0);
      case "header":
        return bytes.slice(0, FILE_HEADER_BYTES);
      case "cut":
        return bytes.slice(0, Math.floor((usedBytes * permille) / 1000));
      case "zeros":
        return bytes.fill(0, from, usedBytes);
      case "garbage":
        return bytes.fill(GARBAGE, from, usedBytes);
      case "flip": {
        const at = Math.max(0, usedBytes - 1 - Math.floor((FLIP_BYTES * permille) / 1000));
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (permille % 8));
        return bytes;
      }
      default:
        return unreachable(how, "loss");
    }
  };
  return new Map(files).set(path, damaged());
}

/** @param older what to put there instead; null: nothing */
export function loseFile(
  files: DiskCopy,
  file: LostFile,
  permille: number,
  older: DiskCopy | null,
): DiskCopy {
  const path = pathOf(files, file, permille);
  if (path === null) return files;
  const result = new Map(files);
  result.delete(path);
  const before = older?.get(path);
  return before === undefined ? result : result.set(path, before);
}

/** Both disks with that part of the other. */
export function swapped(
  a: DiskCopy,
  b: DiskCopy,
  what: SwappedPart,
): readonly [DiskCopy, DiskCopy] {
  const parts = (files: DiskCopy, moves: boolean): (readonly [string, Uint8Array])[] =>
    [...files].filter(([path]) => isIn(what, path) === moves);
  return [
    new Map([...parts(a, false), ...parts(b, true)]),
    new Map([...parts(b, false), ...parts(a, true)]),
  ];
}

function isIn(what: SwappedPart | "all but identity and memory", path: string): boolean {
  switch (what) {
    case "all":
      return true;
    case "log":
      return path.startsWith("log/");
    case "segments":
      return path.startsWith("log/") && path.endsWith(".log");
    case "snapshots":
      return path.startsWith("snapshots/");
    case "all but identity and memory":
      return path.includes("/");
    default:
      return unreachable(what, "part of a disk");
  }
}

function pathOf(files: DiskCopy, file: LostFile, permille: number): string | null {
  const among = (prefix: string, suffix: string): string | null => {
    const paths = [...files.keys()].filter(
      (path) => path.startsWith(prefix) && path.endsWith(suffix),
    );
    return paths.sort()[Math.floor((paths.length * permille) / 1000)] ?? null;
  };
  switch (file) {
    case "identity":
      return "identity.json";
    case "memory":
      return "memory";
    case "end":
      return "log/end";
    case "newestSegment":
      return newestSegment(files)?.path ?? null;
    case "segment":
      return among("log/", ".log");
    case "snapshot":
      return among("snapshots/", ".snapshot");
    default:
      return unreachable(file, "file");
  }
}

function newestSegment(files: DiskCopy): NewestSegment | null {
  let newest: NewestSegment | null = null;
  for (const [path, bytes] of files) {
    if (!isIn("segments", path)) continue;
    const first = readFrame(bytes, FILE_HEADER_BYTES);
    if (first === null || first.segment <= (newest?.number ?? 0)) continue;
    const number = first.segment;
    newest = { path, number, bytes, usedBytes: usedBytes(bytes, number) };
  }
  return newest;
}

function usedBytes(bytes: Uint8Array, segment: number): number {
  let end = FILE_HEADER_BYTES;
  for (;;) {
    const frame = readFrame(bytes, end);
    if (frame === null || frame.segment !== segment) return end;
    end = frame.bodyEnd;
  }
}
