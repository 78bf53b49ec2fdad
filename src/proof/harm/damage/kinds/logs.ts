/** Damage to the log and its mark. */
import { copyFileSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import {
  flipBit,
  flipBitOf,
  newestSegment,
  overwrite,
  remove,
  replaceByFile,
  segmentFiles,
  truncate,
} from "../files.ts";
import { damage, story, type Kind } from "../kind.ts";

const GROUP = "The log";
const SEGMENTS = "Segments of the log";
const MARK = "The mark of the log's end";
const STOPPED = { image: "stopped" } as const;
const MANY = { image: "segments" } as const;

function lastFrameZeroed(data: string): void {
  const { path, frames, used } = newestSegment(data);
  overwrite(path, frames.at(-1)?.from ?? 0, used, 0);
}

function lastFrameFlipped(data: string): void {
  const { path, frames } = newestSegment(data);
  flipBitOf(path, frames.at(-1));
}

export const logs: readonly Kind[] = [
  damage(GROUP, "newest segment emptied", (_, data) => truncate(newestSegment(data).path, 0)),
  damage(GROUP, "newest segment cut to its header", (_, data) =>
    truncate(newestSegment(data).path, 16),
  ),
  damage(GROUP, "newest segment cut at 60 %", (_, data) => {
    const { path, used } = newestSegment(data);
    truncate(path, Math.floor(used * 0.6));
  }),
  damage(GROUP, "newest segment one byte short", (_, data) => {
    const { path, used } = newestSegment(data);
    truncate(path, used - 1);
  }),
  damage(GROUP, "zeros behind the end trimmed", (_, data) => {
    const { path, used } = newestSegment(data);
    truncate(path, used);
  }),
  damage(GROUP, "last 4 KiB overwritten with 0xA5", (_, data) => {
    const { path, used } = newestSegment(data);
    overwrite(path, Math.max(16, used - 4096), used, 0xa5);
  }),
  damage(GROUP, "last batch zeroed", (_, data) => lastFrameZeroed(data)),
  damage(
    GROUP,
    "last batch zeroed, after a clean stop",
    (_, data) => lastFrameZeroed(data),
    STOPPED,
  ),
  damage(GROUP, "last half zeroed", (_, data) => {
    const { path, used } = newestSegment(data);
    overwrite(path, Math.floor(used / 2), used, 0);
  }),
  damage(GROUP, "all of it zeroed", (_, data) => {
    for (const { path, used } of segmentFiles(data)) overwrite(path, 0, used, 0);
  }),
  damage(GROUP, "a bit flipped in the last batch", (_, data) => lastFrameFlipped(data)),
  damage(
    GROUP,
    "a bit flipped in the last batch, after a clean stop",
    (_, data) => lastFrameFlipped(data),
    STOPPED,
  ),
  damage(GROUP, "a bit flipped in a middle batch", (_, data) => {
    const { path, frames } = newestSegment(data);
    flipBitOf(path, frames[Math.floor(frames.length / 2)]);
  }),
  damage(GROUP, "a bit flipped in the file header", (_, data) =>
    flipBit(newestSegment(data).path, 3),
  ),
  damage(GROUP, "format version in the file header changed", (_, data) =>
    flipBit(newestSegment(data).path, 8),
  ),
  story(GROUP, "a bit flipped while the node runs", async (scene) => {
    await scene.start([scene.hurt, ...scene.behind]);
    await scene.settle("before");
    const { path, frames } = newestSegment(scene.data(scene.hurt));
    flipBitOf(path, frames[Math.floor(frames.length / 2)]);
    await scene.settle("while it runs");
    await scene.end(scene.ids);
    await scene.dangerousFirst();
  }),
  damage(GROUP, "log/ removed", (_, data) => remove(join(data, "log"))),
  damage(GROUP, "log/ emptied", (_, data) => {
    remove(join(data, "log"));
    mkdirSync(join(data, "log"));
  }),
  damage(GROUP, "all log files removed, the mark not", (_, data) => {
    for (const { path } of segmentFiles(data)) remove(path);
  }),
  damage(GROUP, "a file in the place of log/", (_, data) => replaceByFile(join(data, "log"))),
  damage(SEGMENTS, "oldest removed", (_, data) => remove(segmentFiles(data)[0]?.path ?? ""), MANY),
  damage(
    SEGMENTS,
    "a middle one removed",
    (_, data) => remove(segmentFiles(data)[1]?.path ?? ""),
    MANY,
  ),
  damage(SEGMENTS, "newest removed", (_, data) => remove(newestSegment(data).path), MANY),
  damage(SEGMENTS, "newest emptied", (_, data) => truncate(newestSegment(data).path, 0), MANY),
  damage(
    SEGMENTS,
    "a bit flipped in an older one",
    (_, data) => {
      const [oldest] = segmentFiles(data);
      if (oldest !== undefined) flipBitOf(oldest.path, oldest.frames[1]);
    },
    MANY,
  ),
  damage(
    SEGMENTS,
    "newest duplicated",
    (_, data) => copyFileSync(newestSegment(data).path, join(data, "log/00000090.log")),
    MANY,
  ),
  damage(
    SEGMENTS,
    "newest renamed",
    (_, data) => renameSync(newestSegment(data).path, join(data, "log/00000090.log")),
    MANY,
  ),
  damage(
    SEGMENTS,
    "newest renamed to a name that is none",
    (_, data) => {
      const { path } = newestSegment(data);
      renameSync(path, `${path}.bak`);
    },
    MANY,
  ),
  damage(MARK, "removed", (_, data) => remove(join(data, "log/end"))),
  damage(MARK, "zeroed", (_, data) => overwrite(join(data, "log/end"), 0, 5 * 4096, 0)),
  damage(MARK, "cut in half", (_, data) => truncate(join(data, "log/end"), 5 * 2048)),
  damage(MARK, "its newest slot zeroed, and the last batch too", (_, data) => {
    lastFrameZeroed(data);
    overwrite(join(data, "log/end"), 4 * 4096, 5 * 4096, 0);
  }),
];
