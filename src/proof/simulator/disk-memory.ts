/** What stands in a disk's file of marks, read without the code that writes and compares them. */
import type { Disk } from "../../machine/ports/index.ts";
import { SlotFile } from "../../storage/index.ts";

const FILE = "memory";
const SLOTS = 5;

/** What one process told one peer: these numbers. */
export interface Run {
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}

export interface HeardMark {
  /** Id of the data directory that told it, by which process, and the number. */
  readonly disk: string;
  readonly boot: number;
  readonly mark: number;
}

/** By positions of nodes. */
export interface DiskMemory {
  readonly told: ReadonlyMap<number, readonly Run[]>;
  readonly heard: ReadonlyMap<number, HeardMark>;
}

export const NO_MEMORY: DiskMemory = { told: new Map(), heard: new Map() };

interface Content {
  readonly told: { readonly runs: Readonly<Record<string, readonly [number, number, number][]>> };
  readonly peers: Readonly<
    Record<string, { readonly incarnation: string; readonly bootId: number; readonly mark: number }>
  >;
}

/** Nothing, when the file is missing or damaged. */
export function memoryOn(disk: Disk): DiskMemory {
  if (!disk.exists(FILE)) return NO_MEMORY;
  let content: Content;
  try {
    const bytes = SlotFile.read(disk, FILE, disk.size(FILE) / SLOTS, (what) => new Error(what));
    content = JSON.parse(Buffer.from(bytes).toString()) as Content;
  } catch {
    return NO_MEMORY;
  }
  const told = Object.entries(content.told.runs).map(([id, runs]) => {
    const named = runs.map(([boot, from, to]): Run => ({ boot, from, to }));
    return [Number(id) - 1, named] as const;
  });
  const heard = Object.entries(content.peers).flatMap(([id, { incarnation, bootId, mark }]) =>
    mark === 0 ? [] : [[Number(id) - 1, { disk: incarnation, boot: bootId, mark }] as const],
  );
  return { told: new Map(told), heard: new Map(heard) };
}

/** Whether the disk that told that peer this mark knows it. Null: the two met later, and the peer has forgotten that. */
export function knows(runs: readonly Run[], { boot, mark }: HeardMark): boolean | null {
  const run = runs.find((one) => one.boot === boot);
  if (run !== undefined) return mark <= run.to;
  return mark < (runs[0]?.from ?? 0) ? null : false;
}
