/** What a key was, from one change of it to the next. */
import { jsonIn, ownBytes, textIn } from "../terms/index.ts";
import type { VersionsAnswer } from "../../protocol/client/index.ts";

/** A version of a key: a value, or that it was deleted. */
export class KeyVersion {
  // Only declared: a field with an initializer would be set here, and once more by the constructor.
  /** The revision of the change that made it: a write, or the deletion. */
  declare readonly revision: number;
  /** The bytes, the caller's own; null: the key was deleted. See `text` and `json`. */
  declare readonly value: Uint8Array | null;
  /** The revision at which the key came to be; 0: it was deleted. */
  declare readonly createRevision: number;
  /** 1 when created, one more with each write since; 0: it was deleted. */
  declare readonly version: number;

  constructor(revision: number, value: Uint8Array | null, createRevision: number, version: number) {
    this.revision = revision;
    this.value = value;
    this.createRevision = createRevision;
    this.version = version;
  }

  /**
   * The value as text; undefined: the key was deleted.
   * @throws KvError BAD_REQUEST when the bytes are not UTF-8
   */
  text(): string | undefined {
    return this.value === null ? undefined : textIn(this.value, "value");
  }

  /**
   * The value as JSON; undefined: the key was deleted.
   * @throws KvError BAD_REQUEST when it is not JSON
   */
  json(): unknown {
    return this.value === null ? undefined : jsonIn(this.value);
  }
}

/** Asks for versions from a revision on downwards; 0: from the newest. */
export type AskForVersions = (
  revision: number,
  limit: number,
  isFirst: boolean,
) => Promise<VersionsAnswer>;

/** All versions, page by page. */
export async function* versionsOf(
  ask: AskForVersions,
  revision: number,
  limit: number,
): AsyncGenerator<KeyVersion> {
  let left = limit;
  let next = revision;
  for (let isFirst = true; ; isFirst = false) {
    const { items, resume } = await ask(next, left, isFirst);
    for (const { value, createRevision, modRevision, version } of items) {
      const own = value === null ? null : ownBytes(value);
      yield new KeyVersion(modRevision, own, createRevision, version);
    }
    left -= items.length;
    if (resume === null || left <= 0) return;
    next = resume;
  }
}
