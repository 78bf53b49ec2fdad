/** `omnikv backup --keep N [--every TIME] DIRECTORY`: one backup after another, each checked, the oldest removed. */
import { join, resolve } from "node:path";
import { KvError, StorageError, systemCode, terminalText } from "../base/index.ts";
import { NewFile } from "../machine/host/index.ts";
import { BackupError } from "../storage/backup/index.ts";
import { EXIT, type ExitStatus } from "../prompt/terminal/index.ts";
import { BackupFolder, backupName } from "./backup-folder.ts";
import { integerBetween } from "./integer.ts";
import { makeBackup } from "./make-backup.ts";
import type { Output } from "./output.ts";
import { sizeText } from "./progress.ts";
import { type PromptSettings, sleep } from "./prompt-options.ts";
import { readBackupFile } from "./verify.ts";

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const EVERY_MAX_MS = 366 * UNIT_MS.d;
const KEEP_MAX = 10_000;
/** After one that failed, unless the next is due before. */
const RETRY_MS = 60_000;
/** The clock of the wall may be set, and a machine may sleep: it is looked at so often. */
const LOOK_MS = 30_000;

export interface Schedule {
  readonly path: string;
  readonly keep: number;
  /** Null: one only. */
  readonly everyMs: number | null;
}

export interface ScheduleSource {
  /** As they are now. */
  readonly settings: () => PromptSettings;
  readonly asked: number | null;
  readonly signal: AbortSignal;
}

/** Null: none is asked for. @throws KvError BAD_REQUEST that names the flag */
export function scheduleOf(
  path: string,
  flags: { readonly keep?: string; readonly every?: string; readonly force?: true },
): Schedule | null {
  const { keep, every, force } = flags;
  if (keep === undefined) {
    if (every === undefined) return null;
    throw new KvError("BAD_REQUEST", "--every needs --keep and a number: how many are to stay?");
  }
  if (path === "-" || force === true) {
    const text = "--keep makes new files in a directory: - and --force make no sense with it";
    throw new KvError("BAD_REQUEST", text);
  }
  const count = integerBetween("--keep", keep, 1, KEEP_MAX);
  return { path: resolve(path), keep: count, everyMs: every === undefined ? null : everyOf(every) };
}

function everyOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (ms >= UNIT_MS.s && ms <= EVERY_MAX_MS) return ms;
  throw new KvError("BAD_REQUEST", `--every: expected a time like 15m, 1h or 1d, got "${text}"`);
}

export async function runSchedule(schedule: Schedule, source: ScheduleSource): Promise<ExitStatus> {
  let folder: BackupFolder;
  try {
    folder = await BackupFolder.open(schedule.path);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    process.stderr.write(`omnikv backup: ${terminalText(error.message)}\n`);
    return EXIT.failed;
  }
  try {
    return await (schedule.everyMs === null
      ? once(folder, schedule, source)
      : again(folder, schedule, schedule.everyMs, source));
  } finally {
    folder.close();
  }
}

async function once(
  folder: BackupFolder,
  schedule: Schedule,
  source: ScheduleSource,
): Promise<ExitStatus> {
  const outcome = await attempt(folder, schedule, source);
  return outcome.kind === "interrupted" ? EXIT.interrupted : statusOf(outcome);
}

type Outcome =
  | { readonly kind: "made"; readonly clusterId: string; readonly pruned: boolean }
  | { readonly kind: "failed" }
  | { readonly kind: "interrupted" };

function statusOf(outcome: Outcome): ExitStatus {
  return outcome.kind === "made" && outcome.pruned ? EXIT.ok : EXIT.failed;
}

async function again(
  folder: BackupFolder,
  schedule: Schedule,
  everyMs: number,
  source: ScheduleSource,
): Promise<ExitStatus> {
  let status: ExitStatus = EXIT.ok;
  let clusterId = source.settings().clusterId;
  let dueMs = clusterId === null ? Date.now() : nextDue(folder, clusterId, everyMs);
  say(`a backup every ${everyMs / 1000} s in ${folder.path}, ${schedule.keep} are kept`);
  for (;;) {
    await until(dueMs, everyMs, source.signal);
    if (source.signal.aborted) return status;
    const outcome = await attempt(folder, schedule, source);
    if (outcome.kind === "interrupted") return status;
    status = statusOf(outcome);
    if (outcome.kind === "made") {
      ({ clusterId } = outcome);
      dueMs = nextDue(folder, clusterId, everyMs);
    } else {
      dueMs = Date.now() + Math.min(everyMs, RETRY_MS);
    }
  }
}

/** One time after the newest that is there, so that a restart makes none too many, and none too late. */
function nextDue(folder: BackupFolder, clusterId: string, everyMs: number): number {
  const [newest] = folder.kept(clusterId);
  return newest === undefined ? Date.now() : newest.takenMs + everyMs;
}

async function until(dueMs: number, everyMs: number, signal: AbortSignal): Promise<void> {
  // What is due later than in one time is so because the clock was set back.
  const latestMs = Math.min(dueMs, Date.now() + everyMs);
  for (;;) {
    const leftMs = latestMs - Date.now();
    if (leftMs <= 0 || signal.aborted) return;
    await sleep(Math.min(leftMs, LOOK_MS), signal);
  }
}

async function attempt(
  folder: BackupFolder,
  { keep }: Schedule,
  { settings, asked, signal }: ScheduleSource,
): Promise<Outcome> {
  let file: NewFile | null = null;
  let clusterId: string;
  let name = "";
  try {
    const source = { settings: settings(), asked, signal };
    const { header, bytes } = await makeBackup(source, async (begun) => {
      name = backupName(begun);
      file = await NewFile.begin(join(folder.path, name), false);
      return checkedAtTheEnd(file);
    });
    ({ clusterId } = header);
    say(`${name}: ${header.keys} keys at revision ${header.revision}, ${sizeText(bytes)}; checked`);
  } catch (error) {
    await (file as NewFile | null)?.giveUp();
    if (signal.aborted) return { kind: "interrupted" };
    fail("no backup was made", error);
    return { kind: "failed" };
  }
  try {
    const removed = folder.prune(clusterId, keep);
    if (removed > 0) say(`${removed} older removed, ${keep} are kept`);
    return { kind: "made", clusterId, pruned: true };
  } catch (error) {
    fail("older ones could not be removed", error);
    return { kind: "made", clusterId, pruned: false };
  }
}

/** FOLDER-1. */
function checkedAtTheEnd(file: NewFile): Output {
  const check = async (path: string): Promise<void> => void (await readBackupFile(path));
  return {
    write: (bytes) => file.write(bytes),
    finish: () => file.finish(check),
    giveUp: () => file.giveUp(),
  };
}

/** @throws what nobody foresaw */
function fail(what: string, error: unknown): void {
  const isForeseen =
    error instanceof KvError || error instanceof BackupError || error instanceof StorageError;
  if (!(error instanceof Error) || (!isForeseen && systemCode(error) === null)) throw error;
  process.stderr.write(line(`${what}: ${error.message}`));
}

function say(text: string): void {
  process.stdout.write(line(text));
}

function line(text: string): string {
  return `${new Date().toISOString()} ${terminalText(text)}\n`;
}
