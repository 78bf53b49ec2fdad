import { patch, type Mutant } from "./mutant.ts";

export const STORAGE: readonly Mutant[] = [
  {
    name: "checksum not checked",
    breaks: "what a crash left of a write is read as part of the log",
    patches: [
      patch(
        "src/storage/frame.ts",
        "  if (crc32c(bytes.subarray(position + 4, bodyEnd), saltOf(bytes)) !== crc) return null;\n",
        "",
      ),
    ],
    by: "sim",
  },
  {
    name: "log not synced",
    breaks: "a batch is reported durable when it is written",
    patches: [
      patch(
        "src/storage/log-storage.ts",
        "    attempt.file.writeDurably(attempt.position, attempt.bytes, (error) => {",
        "    attempt.file.write(attempt.position, attempt.bytes, (error) => {",
      ),
    ],
    by: "sim",
  },
  {
    name: "last batch not written again after a failed sync",
    breaks: "a node reports entries that its disk has lost and only its memory still shows",
    patches: [
      patch(
        "src/storage/recovery.ts",
        "    disk.writeNow(last.path, last.lastFrame.position, last.lastFrame.bytes);\n",
        "",
      ),
    ],
    by: "sim",
  },
  {
    name: "torn file header not mended",
    breaks: "a loss of power that tears the header of a new file keeps the node from starting",
    patches: [
      patch(
        "src/storage/segment.ts",
        "  if (first?.segment === number) mendFileHeader(bytes, versionOf(bytes, first));\n",
        "  void [mendFileHeader, versionOf, first];\n",
      ),
    ],
    by: ["test/proof/simulator/regressions.slow.test.ts"],
  },
  {
    name: "log begun marked late",
    breaks: "a log that is taken away before the first restart passes for one that never was",
    patches: [patch("src/server/node/open-node.ts", "        directory.beginLog();\n", "")],
    by: "sim",
  },
  {
    name: "snapshot installed without sync",
    breaks: "the log goes, and after a loss of power the snapshot is gone too",
    patches: [
      patch(
        "src/storage/snapshot-store.ts",
        "    file.sync((error) => {\n      if (!this.#open.has(part)) return;\n      if (error !== null) return this.abandon(part, () => done(error));\n      this.#close(",
        "    file.write(0, new Uint8Array(0), (error) => {\n      if (!this.#open.has(part)) return;\n      if (error !== null) return this.abandon(part, () => done(error));\n      this.#close(",
      ),
    ],
    by: "sim",
  },
  {
    name: "snapshot's name not synced",
    breaks: "after a loss of power the directory does not show the snapshot",
    patches: [
      patch(
        "src/storage/snapshot-store.ts",
        "          this.#disk.syncDirectory(this.#directory);\n",
        "",
      ),
    ],
    by: "sim",
  },
  {
    name: "snapshot in use deleted",
    breaks: "the snapshot that the log names is deleted with the old ones",
    patches: [
      patch(
        "src/storage/snapshot-store.ts",
        "const kept = this.#names.slice(-2);",
        "const kept = this.#names.slice(-1);",
      ),
      patch(
        "src/storage/snapshot-store.ts",
        " || needed.some((other) => sameSnapshot(other, name))) continue;",
        " || needed.length > 99) continue;",
      ),
    ],
    by: "sim",
  },
  {
    name: "snapshot taken over before it is here",
    breaks: "a log sync takes effect although its snapshot is not in the store",
    patches: [
      patch(
        "src/replica/snapshots/catch-up.ts",
        "if (snapshot === null || this.#stored.has(snapshot)) return true;",
        "if (snapshot === null || snapshot.idx > 0) return true;",
      ),
    ],
    by: "sim",
  },
  {
    name: "snapshot installed only by the message that brought it",
    breaks: "a leader that adopts a log with a snapshot it already has never applies it",
    patches: [
      patch(
        "src/replica/replica.ts",
        "return stored !== null && stored.idx > this.#applier.appliedIdx ? stored.value : null;",
        "return stored === null ? stored : null;",
      ),
    ],
    by: "sim",
  },
  {
    name: "end of the log not checked",
    breaks:
      "damage to the last batches, and an emptied segment, pass for a write that a crash cut off",
    patches: [
      patch(
        "src/storage/recovery.ts",
        "  if (mark !== null) checkEnd(directory, last, mark);\n",
        "  void checkEnd;\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "end of the log noted before it is durable",
    breaks: "a loss of power takes a batch that the mark has, and the node refuses its own log",
    patches: [
      patch(
        "src/storage/log-storage.ts",
        "    const begunMs = this.#clock.now();\n",
        "    const begunMs = this.#clock.now();\n" +
          "    this.#note({ segment: attempt.segment.segment, position: attempt.position + attempt.bytes.length, crc: attempt.crc });\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "a missing mark of the end passes",
    breaks: "whoever deletes it makes damage to the last batches invisible",
    patches: [
      patch(
        "src/storage/recovery.ts",
        "  if (mark === null && (mustExist || (last !== null && last.owner !== null))) {",
        "  if (mark === null && mustExist && last === null) {",
      ),
    ],
    by: ["test/storage/log-damage.test.ts"],
  },
  {
    name: "owner of the log not checked",
    breaks: "a node runs on the log of another one, and denies what it promised itself",
    patches: [
      patch(
        "src/storage/segment.ts",
        "  if (start.owner !== null && start.owner !== owner) throw foreignLog(path);\n",
        "  void [owner, foreignLog];\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "members not checked",
    breaks:
      "a cluster of another size starts on the same data: its majorities need not meet those before",
    patches: [
      patch(
        "src/storage/data-directory.ts",
        "  checkMembers(identity.members, members);\n",
        "  void checkMembers;\n",
      ),
    ],
    by: "mistakes",
  },
  {
    name: "memory of the peers made anew",
    breaks: "whoever deletes it makes a node trust peers that come back empty",
    patches: [
      patch(
        "src/storage/data-directory.ts",
        "  const memory = DirectoryMemory.open(",
        '  if (!disk.exists("memory")) DirectoryMemory.create(options, new Map());\n' +
          "  const memory = DirectoryMemory.open(",
      ),
    ],
    by: "mistakes",
  },
];
