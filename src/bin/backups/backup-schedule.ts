/** `omnikv backup --keep N [--every TIME] DIRECTORY`: one backup after another, each checked, the oldest removed. */
import { join, resolve } from "node:path";
import { KvError, StorageError, systemCode, terminalText } from "../../base/index.ts";
import { NewFile } from "../../machine/host/index.ts";
import { DiskFullError } from "../../machine/ports/index.ts";
import { BackupError } from "../../storage/backup/index.ts";
import { EXIT, type ExitStatus, parseDuration } from "../../prompt/terminal/index.ts";
import { Due, firstRound, MACHINE_CLOCKS } from "./backup-due.ts";
import { BackupFolder, backupName, type Pruned } from "./backup-folder.ts";
import { integerBetween } from "../options/integer.ts";
import { makeBackup, originOf } from "./make-backup.ts";
import { type Output, withoutRoom } from "../files/output.ts";
import { sizeText } from "../files/progress.ts";
import { type PromptSettings, sleep } from "../options/prompt-options.ts";
import { readBackupFile } from "../files/read-backup-file.ts";

const EVERY_MIN_MS = 1000;
const EVERY_MAX_MS = 366 * 86_400_000;
const KEEP_MAX = 10_000;
/** Pause after a backup that failed, unless the next is due before. */
const RETRY_MS = 60_000;
/** An operator may set the wall clock, and a machine may sleep: the schedule looks at the clocks so often. */
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
  // A forgotten unit would make a backup every few seconds, and those that are to stay would all be of this minute.
  const ms = parseDuration(text, null) ?? 0;
  if (ms >= EVERY_MIN_MS && ms <= EVERY_MAX_MS) return ms;
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
  const outcome = await attempt(folder, schedule, source, new SetAside(folder.path));
  return outcome.kind === "interrupted" ? EXIT.interrupted : statusOf(outcome);
}

type Outcome =
  | { readonly kind: "made"; readonly pruned: boolean }
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
  let status: ExitStatus | null = null;
  say(`a backup every ${everyMs / 1000} s in ${folder.path}, ${schedule.keep} are kept`);
  const due = new Due(MACHINE_CLOCKS);
  due.after(due.now(), await firstWait(folder, everyMs, source));
  const aside = new SetAside(folder.path);
  for (;;) {
    await until(due, source.signal);
    // It was due later, as there are earlier ones.
    if (source.signal.aborted) return status ?? EXIT.ok;
    const begun = due.now();
    const outcome = await attempt(folder, schedule, source, aside);
    if (outcome.kind === "interrupted") return status ?? EXIT.interrupted;
    status = statusOf(outcome);
    if (outcome.kind === "made") due.after(begun, everyMs);
    else due.after(due.now(), Math.min(everyMs, RETRY_MS));
  }
}

/** How long the first backup is not due yet. Says which backups do not count for that. */
async function firstWait(
  folder: BackupFolder,
  everyMs: number,
  { settings, asked, signal }: ScheduleSource,
): Promise<number> {
  const now = settings();
  const kept = now.clusterId === null ? [] : folder.kept(now.clusterId);
  if (kept.length === 0) return 0;
  const origin = await originOf({ settings: now, asked, signal });
  const { waitMs, notes } = firstRound(kept, everyMs, MACHINE_CLOCKS.wall(), origin);
  for (const note of notes) say(note);
  return waitMs;
}

async function until(due: Due, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { leftMs } = due;
    if (leftMs <= 0 || signal.aborted) return;
    await sleep(Math.min(leftMs, LOOK_MS), signal);
  }
}

/** Says which backups stay because they are of another log; it says the same ones once. */
class SetAside {
  readonly #path: string;
  #said = "";

  constructor(path: string) {
    this.#path = path;
  }

  tell({ origin, others }: Pruned): void {
    const [newest] = others;
    const names = others.map(({ name }) => name).join();
    if (newest === undefined || names === this.#said) return;
    this.#said = names;
    const many = others.length > 1 ? `${others.length} backups in ${this.#path}` : newest.name;
    const [are, them] = others.length > 1 ? ["are", "them"] : ["is", "it"];
    say(
      `${many} ${are} of another cluster that has this id, or of this one before it was begun anew: ${are} not removed` +
        (origin === null
          ? `. This cluster is empty; if it should not be, look whether its nodes have their data directories`
          : `; remove ${them} by hand when nobody wants ${them} any more`),
    );
  }
}

async function attempt(
  folder: BackupFolder,
  { keep }: Schedule,
  { settings, asked, signal }: ScheduleSource,
  aside: SetAside,
): Promise<Outcome> {
  let file: NewFile | null = null;
  let name = "";
  try {
    folder.mustBeThere();
    const source = { settings: settings(), asked, signal };
    const { header, bytes } = await makeBackup(source, async (begun) => {
      name = backupName(begun);
      file = await NewFile.begin(join(folder.path, name), false);
      return checkedAtTheEnd(file);
    });
    say(`${name}: ${header.keys} keys at revision ${header.revision}, ${sizeText(bytes)}; checked`);
  } catch (error) {
    await (file as NewFile | null)?.giveUp();
    if (signal.aborted) return { kind: "interrupted" };
    fail("no backup was made", withoutRoom(error, join(folder.path, name), "Older ones stay,"));
    return { kind: "failed" };
  }
  try {
    const pruned = folder.prune(name, keep);
    const { removed } = pruned;
    if (removed > 0) say(`${removed} older removed, ${keep} are kept`);
    aside.tell(pruned);
    return { kind: "made", pruned: true };
  } catch (error) {
    fail("older ones could not be removed", error);
    return { kind: "made", pruned: false };
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

/** @throws an error that the program did not foresee */
function fail(what: string, error: unknown): void {
  const isForeseen =
    error instanceof KvError ||
    error instanceof BackupError ||
    error instanceof StorageError ||
    error instanceof DiskFullError;
  if (!(error instanceof Error) || (!isForeseen && systemCode(error) === null)) throw error;
  process.stderr.write(line(`${what}: ${error.message}`));
}

function say(text: string): void {
  process.stdout.write(line(text));
}

function line(text: string): string {
  return `${new Date().toISOString()} ${terminalText(text)}\n`;
}
