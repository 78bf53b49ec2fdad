/**
 * How much may live on this process's heap for long. V8's `heap_size_limit` says more: the space for young objects is in it, in
 * which nothing stays, and which is half of the limit of a small heap. A process ends when what lives reaches the limit without it.
 */
import { getHeapStatistics } from "node:v8";

const MIB = 2 ** 20;
/** Of one of the young space's halves, where no flag says it: Node.js up to 23, and from 24 on. */
const SEMI_SPACE_BYTES = 16 * MIB;
const SEMI_SPACE_BYTES_24 = 64 * MIB;
/** The young space counts for so many halves in `heap_size_limit`. */
const SEMI_SPACES = 3;

/** What decides it, handed in for tests. */
export interface HeapFlags {
  /** As the process was started with them, those of NODE_OPTIONS first. */
  readonly flags: readonly string[];
  readonly heapSizeLimit: number;
  /** Of Node.js. */
  readonly major: number;
}

/** In bytes. */
export function heapLimitBytes({ flags, heapSizeLimit, major }: HeapFlags = ownFlags()): number {
  const old = mebibytesOf(flags, "max-old-space-size");
  if (old !== null) return Math.min(old, heapSizeLimit);
  const usual = major >= 24 ? SEMI_SPACE_BYTES_24 : SEMI_SPACE_BYTES;
  const young = SEMI_SPACES * (mebibytesOf(flags, "max-semi-space-size") ?? usual);
  return Math.max(heapSizeLimit - young, heapSizeLimit / 2);
}

function ownFlags(): HeapFlags {
  const options = process.env["NODE_OPTIONS"] ?? "";
  return {
    flags: [...options.split(/\s+/), ...process.execArgv],
    heapSizeLimit: getHeapStatistics().heap_size_limit,
    major: Number.parseInt(process.versions.node, 10),
  };
}

/** The last flag of a name holds, as for V8. Null: there is none, or it says nothing. */
function mebibytesOf(flags: readonly string[], name: string): number | null {
  const values = flags.flatMap((flag, i) => {
    const [own = "", value] = flag.replaceAll('"', "").split("=");
    return own.replaceAll("_", "-") === `--${name}` ? [Number(value ?? flags[i + 1])] : [];
  });
  const last = values.at(-1) ?? 0;
  return last > 0 ? last * MIB : null;
}
