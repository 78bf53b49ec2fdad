/** Data directories as nodes leave them on real disks, made without nodes. */
import { NodeDisk } from "../../../src/machine/host/node-disk.ts";
import { silentLogger } from "../../../src/machine/ports/logger.ts";
import { createNodeRandom } from "../../../src/machine/runtime/node-random.ts";
import { nodeClock } from "../../../src/machine/runtime/node-clock.ts";
import { LOG_DIRECTORY, LogStorage, openDataDirectory } from "../../../src/storage/index.ts";
import type { Ballot } from "../../../src/omnipaxos/ballot.ts";
import { KvState, NO_SESSION } from "../../../src/store/index.ts";
import { entryOf, RecordingSink, type TestGroup } from "../../store/helpers.ts";

/** The entries of a log in which one client writes. */
export class WrittenLog {
  readonly entries: Uint8Array[] = [];
  readonly #state = new KvState();
  #session = 0;
  #sequence = 0;

  /** @param nonce of the client's session: another one is another beginning */
  constructor(nonce = 1) {
    const opened = this.#add({
      session: NO_SESSION,
      floor: 0,
      commands: [[1, { op: "openSession", nonce }]],
    });
    this.#session = opened.openings[0]?.session ?? 0;
  }

  write(...keys: readonly string[]): this {
    for (const key of keys) {
      this.#sequence += 1;
      const command = { op: "write", key, value: "v" } as const;
      const commands = [[this.#sequence, command]] as const;
      this.#add({ session: this.#session, floor: this.#sequence, commands });
    }
    return this;
  }

  #add(group: TestGroup): RecordingSink {
    const entry = entryOf(group);
    const sink = new RecordingSink();
    this.#state.apply(entry, this.#state.appliedIdx, sink);
    this.entries.push(entry);
    return sink;
  }
}

export interface LeftNode {
  readonly nodeId?: number;
  readonly clusterId?: string;
  readonly members?: readonly number[];
  readonly entries: readonly Uint8Array[];
  readonly acceptedRound: Pick<Ballot, "n" | "pid">;
  readonly decidedIdx?: number;
}

/** As a node leaves it that stopped in good order. */
export async function leaveDirectory(path: string, node: LeftNode): Promise<void> {
  const { nodeId = 1, clusterId = "shop", members = [1, 2, 3], entries, decidedIdx = 0 } = node;
  const disk = NodeDisk.open(path);
  const onFailure = (error: Error): never => {
    throw error;
  };
  const directory = openDataDirectory(disk, {
    ...{ clusterId, nodeId, members, clock: nodeClock, logger: silentLogger, onFailure },
    random: createNodeRandom(),
  });
  const acceptedRound = { configId: 1, priority: 0, ...node.acceptedRound };
  const log = await new Promise<LogStorage>((resolve) => {
    const { storage } = LogStorage.open(
      disk,
      LOG_DIRECTORY,
      { segmentBytes: 64 * 1024, owner: directory.logOwner, random: createNodeRandom() },
      { onDurable: () => resolve(storage), onFailure, onRoom: () => {} },
      silentLogger,
      nodeClock,
    );
    storage.stage([
      {
        seq: 1,
        writes: [
          { kind: "promise", promise: acceptedRound },
          { kind: "acceptedRound", acceptedRound },
          { kind: "append", fromIdx: 0, entries: [...entries] },
          { kind: "decided", decidedIdx },
        ],
      },
    ]);
    storage.flush();
  });
  directory.beginLog();
  await new Promise<void>((resolve) => log.close(resolve));
  await new Promise<void>((resolve) => directory.close(() => resolve()));
}
