/** Bugs in ranges and in the history: pages of two states, keys missed or told twice, versions that are not those of a revision. */
import { patch, type Mutant } from "./mutant.ts";

const RANGE = "src/store/keys/range.ts";
const HISTORY = "src/store/history/history.ts";
const VERSIONS = "src/store/history/versions.ts";
const CELLS = "src/store/keys/ordered-cells.ts";
const SELECTION = "src/store/keys/range-selection.ts";
const ANSWERS = "src/replica/turn/answer-reads.ts";

export const RANGES: readonly Mutant[] = [
  {
    name: "later pages of a range from the newest state",
    breaks: "a range mixes two states of the store",
    patches: [
      patch(
        "src/replica/reads/readable.ts",
        "return readPage(this.#state().cells, revision, request, this.#looked, this.#limits);",
        "return { ...readPage(this.#state().cells, this.revision, request, this.#looked, this.#limits), revision };",
      ),
    ],
    by: "sim",
  },
  {
    name: "a page begins after its first key",
    breaks: "a range misses a key between two pages",
    patches: [
      patch(
        RANGE,
        "resume = reverse ? last : key;",
        "resume = reverse ? last : ((key + '\\0') as ByteString);",
      ),
    ],
    by: "sim",
  },
  {
    name: "a page in reverse goes back one too far",
    breaks: "a range in reverse misses a key between two pages",
    patches: [patch(RANGE, "resume = reverse ? last : key;", "resume = key;")],
    by: "sim",
  },
  {
    name: "a page that found nothing is the last",
    breaks: "a range ends where many keys in a row were deleted",
    patches: [
      patch(
        RANGE,
        "resume = reverse ? last : key;",
        "resume = count === 0 ? null : reverse ? last : key;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a range to its end, the end included",
    breaks: "a range holds the key that it should end before",
    patches: [
      patch(
        "src/store/keys/keys-in-order.ts",
        "this.#there.forRange(start, last, end === null,",
        "this.#there.forRange(start, last, true,",
      ),
    ],
    by: "sim",
  },
  {
    name: "the last page of a range is told with the revision after",
    breaks: "a linearizable range claims a state that it is not from",
    patches: [
      patch(
        RANGE,
        "return { revision, count, keys, resume };",
        "return { revision: resume === null ? revision + 1 : revision, count, keys, resume };",
      ),
    ],
    by: "sim",
  },
  {
    name: "a page of a past state without the keys that were deleted since",
    breaks: "a range at a revision misses a key that was there then",
    patches: [
      patch(
        RANGE,
        "else order.visitAll(start, end, visitor);",
        "else order.visit(start, end, visitor);",
      ),
    ],
    by: "sim",
  },
  {
    name: "a key that has come again stands among the deleted ones as well",
    breaks: "a range at a past revision tells of a key twice",
    patches: [
      patch(
        "src/store/keys/keys-in-order.ts",
        "if (wasKnown) this.#gone.delete(cell.key);",
        'if (wasKnown && cell.key === "") this.#gone.delete(cell.key);',
      ),
    ],
    by: "sim",
  },
  {
    name: "a deleted key shows up in ranges",
    breaks: "a range tells of a key that is not there",
    patches: [
      patch(
        VERSIONS,
        ": history.versionBefore(place, key)) > 0;",
        ": history.versionBefore(place, key)) >= 0;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a key deleted since is missed in older revisions",
    breaks: "a range at an old revision misses what was there",
    patches: [
      patch(
        RANGE,
        "    const stored = versionAt(key, newest, place, history);\n    if (stored === undefined || (select",
        "    const stored = versionAt(key, newest, place, history);\n    if (newest.version === 0) return true;\n    if (stored === undefined || (select",
      ),
    ],
    by: "sim",
  },
  {
    name: "the version before the one at the boundary",
    breaks: "a read at the revision of a change misses that change",
    patches: [patch(VERSIONS, "mod > revision; mod", "mod >= revision; mod")],
    by: "sim",
  },
  {
    name: "compaction by the bound one too far",
    breaks: "a revision that is to be kept cannot be read",
    patches: [
      patch(
        HISTORY,
        "Math.max(this.#oldest, this.#last - records)",
        "Math.max(this.#oldest, this.#last - records + 1)",
      ),
    ],
    by: "sim",
  },
  {
    name: "compaction by hand one too far",
    breaks: "the revision that was named cannot be read",
    patches: [
      patch(
        "src/store/kv-state.ts",
        "this.#compactTo(compactRevision, sink);",
        "this.#compactTo(Math.min(compactRevision + 1, this.#revision), sink);",
      ),
    ],
    by: "sim",
  },
  {
    name: "an entry compacts what it has changed before watches are told",
    breaks: "a large deletion ends the watches of everybody, whatever they watch",
    patches: [
      patch(
        "src/store/kv-state.ts",
        "if (revision > this.#revisionBefore) sink.compacting?.();",
        "",
      ),
    ],
    by: ["test/replica/watch-hub.test.ts"],
  },
  {
    name: "the bound by what this process has seen",
    breaks: "nodes compact differently, by when they were started",
    patches: [
      patch(HISTORY, "? this.bytes : this.#bytesAfter", "? this.#lastBytes : this.#bytesAfter"),
    ],
    by: "sim",
  },
  {
    name: "the oldest version of a key is not told",
    breaks: "the history of a key lacks what was there at the oldest revision",
    patches: [
      patch(
        VERSIONS,
        "    if (modRevision <= history.oldest) return;\n    place",
        "    if (modRevision <= history.oldest + 1) return;\n    place",
      ),
    ],
    by: ["test/store/history.test.ts"],
  },
  {
    name: "a record lost at a snapshot",
    breaks: "a node that took over a snapshot misses what was there at its oldest revision",
    patches: [
      patch(
        HISTORY,
        "chunk.records(this.#oldest, this.#last)",
        "chunk.records(this.#oldest + 1, this.#last)",
      ),
    ],
    by: "sim",
  },
  {
    name: "a deletion lost at a snapshot",
    breaks: "a key that was deleted is missed in the history of a node that took over a snapshot",
    patches: [
      patch(
        "src/store/snapshots/frozen-state.ts",
        "if (newest.version === 0 && newest.modRevision <= history.oldest) continue;",
        "if (newest.version === 0) continue;",
      ),
    ],
    by: "sim",
  },
  {
    name: "what is kept is let go of",
    breaks: "a revision that is to be readable has lost a value",
    patches: [
      patch(
        HISTORY,
        "const isBehind = chunk.first + chunk.places - 1 <= this.#oldest;",
        "const isBehind = chunk.first <= this.#oldest;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a deletion is let go of with an earlier one of the same key",
    breaks: "a key that came again and went again is missed in the revisions between",
    patches: [
      patch(
        CELLS,
        "|| cell.version > 0 || cell.modRevision !== revision) return;",
        "|| cell.version > 0) return;",
      ),
    ],
    by: "sim",
  },
  {
    name: "history that a clone holds is let go of",
    breaks: "a snapshot that is being written loses values",
    patches: [
      patch(HISTORY, "clone.#chunks = this.#chunks.slice();", "clone.#chunks = this.#chunks;"),
    ],
    by: ["test/store/history.test.ts"],
  },
  {
    name: "a frozen state without the cells of before",
    breaks: "a key changed after a clone is changed in the clone too",
    patches: [
      patch(
        CELLS,
        "if (old.generation === this.#generation) return old;",
        "if (old.generation >= 0) return old;",
      ),
    ],
    by: ["test/store/history.test.ts"],
  },
  {
    name: "a later page waits at a node that nobody feeds",
    breaks: "a range of several pages never works through a node that is cut off",
    patches: [
      patch(
        "src/replica/relay/lending.ts",
        "relay.passReads(peer, reads.lend(), tick);",
        "relay.passReads(peer, reads.lend().filter(({ local }) => !local), tick);",
      ),
    ],
    by: ["test/proof/simulator/relay.test.ts"],
  },
  {
    name: "what a range looks at is not counted as work",
    breaks: "one client's frame of counts holds up a turn",
    patches: [
      patch(ANSWERS, "answers.worked(CELL_WORK_BYTES * (state.looked - before));", "void before;"),
    ],
    by: ["test/replica/read-work.test.ts"],
  },
  {
    name: "a refused range is no work",
    breaks: "one client's frames of refused ranges hold up a turn",
    patches: [patch(ANSWERS, "answers.worked(READ_WORK_BYTES);", "answers.worked(0);")],
    by: ["test/replica/read-work.test.ts"],
  },
  {
    name: "in an order of its own a range has whatever came first",
    breaks: "a range by revision, version or value has keys that are not the first in that order",
    patches: [
      patch(
        SELECTION,
        "if (isCrowded && last !== undefined && !this.#isBefore(key, stored, last)) return;",
        "if (isCrowded && last !== undefined) return;",
      ),
    ],
    by: "sim",
  },
  {
    name: "bounds on revisions are looked at in the newest version",
    breaks: "a range of an old revision misses keys that were changed since",
    patches: [
      patch(
        RANGE,
        "(select !== undefined && !isWithin(stored, select))) return true;",
        "(select !== undefined && !isWithin(newest, select))) return true;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a count passes over its bounds on revisions",
    breaks: "keys are counted that were not asked for",
    patches: [patch(RANGE, "if (countOnly && select === undefined) {", "if (countOnly) {")],
    by: "sim",
  },
  {
    name: "keys that are alike in an order come as they were found, also in reverse",
    breaks: "a range in reverse has other keys than its order says",
    patches: [
      patch(SELECTION, "return key < there.key !== this.#reverse;", "return key < there.key;"),
    ],
    by: "sim",
  },
  {
    name: "a read for a least revision is answered as soon as its index is there",
    breaks: "what is to be no older than a revision is older",
    patches: [
      patch(
        "src/replica/reads/client-reads.ts",
        "return atLeast > this.#readable.revision;",
        "return atLeast > this.#readable.revision && atLeast < 0;",
      ),
    ],
    by: "sim",
  },
  {
    name: "a read of a revision tells the newest value",
    breaks: "a client that looks at the past is shown the present",
    patches: [
      patch(
        ANSWERS,
        "answers.stored(request, state.readAt(wanted.key, wanted.revision));",
        "answers.stored(request, state.read(wanted.key));",
      ),
    ],
    by: "sim",
  },
  {
    name: "a history without deletions",
    breaks: "the versions of a key look as if it had always been there",
    patches: [
      patch(
        RANGE,
        "    const { value, createRevision, modRevision, version } = each;\n    versions.push({",
        "    const { value, createRevision, modRevision, version } = each;\n    if (version === 0) continue;\n    versions.push({",
      ),
    ],
    by: "sim",
  },
  {
    name: "a page in reverse stands upside down",
    breaks: "a page of several keys is in the other order than was asked for",
    patches: [
      patch(
        RANGE,
        "  return { revision, count, keys, resume };",
        "  return { revision, count, keys: reverse ? keys.reverse() : keys, resume };",
      ),
    ],
    by: "sim",
  },
];
