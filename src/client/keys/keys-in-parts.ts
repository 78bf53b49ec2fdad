/** Many keys of one state of the store, whose values may be too large together for one answer. */
import { KvError } from "../../base/index.ts";
import { MissingResult, type ReadResult, type Snapshot } from "../terms/index.ts";

/** Bytes of all values that are read at once. */
const VALUES_BYTES_MAX = 32 * 1024 * 1024;

/** Asks for some of the keys: the first time as the caller wants it, later at a revision that the answer told. */
export type AskForKeys = (
  keys: readonly Uint8Array[],
  /** Null: the first time. */
  revision: number | null,
) => Promise<Snapshot>;

/**
 * Asks for all of them, and when a node says that this is too much, for fewer. The later parts are of the revision of the first.
 * @throws KvError OVERLOADED when they are too much for the program, COMPACTED when others write so much meanwhile that the revision is not
 *   kept any more, and as `ask`
 */
export async function keysInParts(ask: AskForKeys, keys: readonly Uint8Array[]): Promise<Snapshot> {
  const results: ReadResult[] = [];
  let revision: number | null = null;
  let size = keys.length;
  let bytes = 0;
  for (;;) {
    const part = await partOf(ask, keys.slice(results.length, results.length + size), revision);
    revision = part.revision;
    for (const result of part.results) {
      results.push(result);
      if (result.found) bytes += result.value.length;
    }
    const left = keys.length - results.length;
    if (left === 0) return { revision, results };
    if (bytes > VALUES_BYTES_MAX) throw tooMuch();
    // No state has this revision but the one without any keys, and it cannot be asked for.
    if (revision === 0) {
      const node = part.results[0]?.node ?? 0;
      for (let i = 0; i < left; i++) results.push(new MissingResult(node));
      return { revision, results };
    }
    // What comes next may be smaller.
    size = 2 * part.results.length;
  }
}

/** As many of the keys, from the first on, as one answer has room for. */
async function partOf(
  ask: AskForKeys,
  keys: readonly Uint8Array[],
  revision: number | null,
): Promise<Snapshot> {
  for (let size = keys.length; ; size = Math.ceil(size / 2)) {
    try {
      return await ask(size === keys.length ? keys : keys.slice(0, size), revision);
    } catch (error) {
      // Nodes say this of values only when an answer has no room for them.
      const isTooLarge = error instanceof KvError && error.code === "VALUE_TOO_LARGE";
      if (!isTooLarge || size === 1) throw error;
    }
  }
}

function tooMuch(): KvError {
  const text =
    `the values of these keys have more than ${VALUES_BYTES_MAX} bytes together: ` +
    `ask for fewer keys at once, and for the others at the revision of the first (\`snapshot\` tells it)`;
  return new KvError("OVERLOADED", text, { definite: true });
}
