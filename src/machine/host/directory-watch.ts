/**
 * Notices that a directory in use, or a file that a process holds open, was removed, moved away or replaced. The process can write and
 * sync the files that it holds open for ever after, and every write looks as durable as ever, but no restart would find it; and a lock
 * on a file that is not there any more keeps no other process out.
 */
import { stat, statSync, type BigIntStats } from "node:fs";
import { dirname, join } from "node:path";
import { StorageError, systemCode, unreachable, wayOut } from "../../base/index.ts";

const INTERVAL_MS = 1000;

export interface WatchedPart {
  /** Within the directory; "": the directory itself. */
  readonly name: string;
  /**
   * What the part is for: `lock` keeps other processes out; `replaceable` is a file that must be there but need not stay the
   * same; `file` and `directory` must.
   */
  readonly kind: "directory" | "file" | "replaceable" | "lock";
  /** `fileIdentity` of what is used. Default: of what is there at the first look. */
  readonly identity?: string;
}

/** A file in use that comes and goes as its user sees fit. */
export interface NeededFile {
  /** Within the directory. */
  readonly path: string;
  /** It has at least so many bytes. */
  readonly bytes: number;
  /** It is written to: another one under the same name is not it. */
  readonly isOpen: boolean;
}

export interface DirectoryWatch {
  /** Looks now. @returns the part that has changed; null: none, as far as can be seen */
  readonly look: () => StorageError | null;
  /** Ends it. */
  readonly stop: () => void;
}

/** The part of a file's or directory's identity that a rename does not change. */
export function fileIdentity({ dev, ino }: Pick<BigIntStats, "dev" | "ino">): string {
  return `${dev}/${ino}`;
}

/**
 * @param root absolute; exists
 * @param members of the cluster whose node uses it: the way out depends on them
 * @param parts exist; what lies in another part comes after it
 * @param onGone called once
 * @param needed the files that a start would need now
 */
export function watchDirectory(
  root: string,
  members: number,
  parts: readonly WatchedPart[],
  onGone: (error: StorageError) => void,
  needed: () => readonly NeededFile[],
  intervalMs = INTERVAL_MS,
): DirectoryWatch {
  const files = new NeededFiles();
  const known = new Map<WatchedPart, string>();
  for (const part of parts) {
    if (part.identity !== undefined) known.set(part, part.identity);
  }
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const pathOf = ({ name }: WatchedPart): string => (name === "" ? root : join(root, name));
  /** @returns null: as it should be, as far as can be seen */
  const judge = (part: WatchedPart, found: BigIntStats | Error): How | null => {
    if (found instanceof Error) return isMissing(found) ? "removed or moved away" : null;
    const identity = fileIdentity(found);
    const before = known.get(part);
    if (before === undefined) known.set(part, identity);
    return before === undefined || before === identity || part.kind === "replaceable"
      ? null
      : "replaced by another one";
  };
  const stop = (): void => {
    stopped = true;
    if (timer !== null) clearTimeout(timer);
  };
  const look = (): StorageError | null => {
    // When a directory is gone, so are the parts in it, whichever was looked at first: the first part says what happened.
    for (const part of parts) {
      const path = pathOf(part);
      const how = judge(part, lookAt(path));
      if (how !== null) return sentence(part.kind, path, how, wayOut(members));
    }
    for (const file of needed()) {
      const path = join(root, file.path);
      const how = files.judge(file, lookAt(path));
      if (how !== null) return sentence("file", path, how, wayOut(members));
    }
    return null;
  };
  const gone = (): void => {
    const error = stopped ? null : look();
    if (error === null) return;
    stop();
    onGone(error);
  };
  const looking = new Set<string>();
  const lookLater = (path: string, found: (what: BigIntStats | Error) => How | null): void => {
    // Where a file system hangs, a path is asked for once: each question holds one of the few threads that all files have between them.
    if (looking.has(path)) return;
    looking.add(path);
    stat(path, { bigint: true }, (error, what) => {
      looking.delete(path);
      // The owner may have given a file up since: `gone` looks at the files that it needs then.
      if (found(error ?? what) !== null) gone();
    });
  };
  const round = (): void => {
    for (const part of parts) lookLater(pathOf(part), (what) => judge(part, what));
    const now = needed();
    files.keep(now);
    for (const file of now) {
      lookLater(join(root, file.path), (what) => files.judge(file, what));
    }
    if (!stopped) timer = setTimeout(round, intervalMs).unref();
  };
  round();
  return { look, stop };
}

type How = "removed or moved away" | "replaced by another one" | "cut short";

/** Knows which file was there under each path that is needed. */
class NeededFiles {
  readonly #identities = new Map<string, string>();

  /** Forgets all others. */
  keep(files: readonly NeededFile[]): void {
    const paths = new Set(files.map(({ path }) => path));
    for (const path of this.#identities.keys()) {
      if (!paths.has(path)) this.#identities.delete(path);
    }
  }

  /** @returns null: as it should be, as far as can be seen */
  judge({ path, bytes, isOpen }: NeededFile, found: BigIntStats | Error): How | null {
    if (found instanceof Error) return isMissing(found) ? "removed or moved away" : null;
    const identity = fileIdentity(found);
    const before = this.#identities.get(path);
    if (before === undefined) this.#identities.set(path, identity);
    else if (before !== identity && isOpen) return "replaced by another one";
    return found.size < bytes ? "cut short" : null;
  }
}

/** A file that cannot be looked at now may be there all the same. */
function isMissing(error: Error): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

function lookAt(path: string): BigIntStats | Error {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

function sentence(
  kind: WatchedPart["kind"],
  path: string,
  how: How,
  otherwise: string,
): StorageError {
  switch (kind) {
    case "directory":
      return new StorageError(
        "DIRECTORY_UNUSABLE",
        `${path} was ${how} while this server used it: what it stored since is in no directory that a restart would find. ` +
          `Put back the directory that was there, if it still exists, and start this node again. If it is gone for good: ${otherwise}`,
      );
    case "file":
    case "replaceable":
      return new StorageError(
        "DIRECTORY_UNUSABLE",
        `${path} was ${how} while this server used it, and a start needs it. Put back the file that was ` +
          `there, if it still exists, and start this node again. If it is gone for good: ${otherwise}`,
      );
    case "lock":
      return new StorageError(
        "LOCKED",
        `${path} was ${how} while this server held it. It is what keeps a second server from ${dirname(path)}, so this one ` +
          `stops before two write there. Nobody need ever remove it. See that no other server uses the directory, then ` +
          `start this node again`,
      );
    default:
      return unreachable(kind, "kind of part");
  }
}
