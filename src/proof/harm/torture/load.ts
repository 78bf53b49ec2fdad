/** Clients that do one thing after the other and note their requests and answers. */
import { KvError } from "../../../base/index.ts";
import type { KvClient } from "../../../client/index.ts";
import { pause } from "../../../measure/index.ts";
import type { SeededRandom } from "../../../machine/ports/index.ts";

/** One operation, as docs/history-format.md says. Times in microseconds of one clock. */
export interface Noted {
  readonly process: string;
  readonly node?: number;
  readonly op: "read" | "write" | "delete" | "cas";
  readonly key: string;
  readonly value?: string;
  readonly expected?: string | null;
  readonly call: number;
  return?: number;
  outcome: "ok" | "failed" | "unknown";
  result?: string | null;
  swapped?: boolean;
  existed?: boolean;
  revision?: number;
}

export interface Load {
  readonly notes: readonly Noted[];
  /** When writes were acknowledged, in milliseconds. */
  readonly acknowledgedMs: readonly number[];
  /** Ends the clients after what they are doing, then reads every key once more. */
  stop(): Promise<void>;
}

const KEYS_PER_EPOCH = 4;
/** Keys are left behind after a while, so that each one's history stays short enough to check. */
const EPOCH_MS = 4000;
const THINK_MS_MAX = 8;

const microseconds = (): number => Math.round(performance.now() * 1000);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export function startLoad(
  clients: readonly KvClient[],
  nodes: readonly number[],
  random: SeededRandom,
): Load {
  const notes: Noted[] = [];
  const acknowledgedMs: number[] = [];
  const startedMs = performance.now();
  const stop = new AbortController();
  const run = async (client: KvClient, index: number): Promise<void> => {
    const own = random.fork(`client ${index}`);
    for (let count = 0; !stop.signal.aborted; count++) {
      const epoch = Math.floor((performance.now() - startedMs) / EPOCH_MS);
      const key = `k${epoch}-${own.below(KEYS_PER_EPOCH)}`;
      const value = `${index}.${count}`;
      const node = own.chance(0.5) ? own.pick(nodes) : undefined;
      const noted = await act(client, own, `c${index}`, node, key, value);
      notes.push(noted);
      if (noted.outcome === "ok" && noted.op !== "read") acknowledgedMs.push(performance.now());
      await pause(own.below(THINK_MS_MAX));
    }
  };
  const running = clients.map(run);
  return {
    notes,
    acknowledgedMs,
    stop: async () => {
      stop.abort();
      await Promise.all(running);
      const [client] = clients;
      if (client === undefined) return;
      for (const key of new Set(notes.map((noted) => noted.key))) {
        notes.push(await finalRead(client, key));
      }
    },
  };
}

async function finalRead(client: KvClient, key: string): Promise<Noted> {
  for (;;) {
    const noted: Noted = {
      process: "final",
      op: "read",
      key,
      call: microseconds(),
      outcome: "unknown",
    };
    await note(noted, async () => read(client, noted));
    if (noted.outcome === "ok") return noted;
  }
}

async function act(
  client: KvClient,
  random: SeededRandom,
  process: string,
  node: number | undefined,
  key: string,
  value: string,
): Promise<Noted> {
  const where = node === undefined ? {} : { node };
  const base = { process, key, ...where, call: microseconds(), outcome: "unknown" as const };
  const kind = random.below(10);
  if (kind < 4) {
    const noted: Noted = { ...base, op: "read" };
    return note(noted, () => read(client, noted, where));
  }
  if (kind < 7) {
    const noted: Noted = { ...base, op: "write", value };
    return note(noted, async () => {
      noted.revision = (await client.write(key, value, where)).revision;
    });
  }
  if (kind < 8) {
    const noted: Noted = { ...base, op: "delete" };
    return note(noted, async () => {
      const { existed, revision } = await client.delete(key, where);
      Object.assign(noted, { existed, revision });
    });
  }
  const expected = random.chance(0.3) ? null : `${random.below(8)}.${random.below(2000)}`;
  return kind < 9
    ? swap(client, { ...base, op: "cas", value, expected }, where)
    : readThenSwap(client, { ...base, op: "cas", value }, where);
}

/** A cas that expects what was just read has a chance. */
async function readThenSwap(
  client: KvClient,
  noted: Omit<Noted, "expected">,
  where: { node?: number },
): Promise<Noted> {
  try {
    const found = await client.read(noted.key, where);
    const expected = found.found ? text(found.value) : null;
    return await swap(client, { ...noted, expected, call: microseconds() }, where);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return { ...noted, op: "read", return: microseconds(), outcome: "failed" };
  }
}

function swap(client: KvClient, noted: Noted, where: { node?: number }): Promise<Noted> {
  return note(noted, async () => {
    const { expected = null, value = "" } = noted;
    const condition = expected === null ? { absent: true as const } : { value: expected };
    const result = await client.cas(noted.key, condition, value, where);
    noted.swapped = result.swapped;
    if (result.swapped) {
      noted.revision = result.revision;
    } else {
      const { actual } = result;
      noted.result = actual === null || actual.value === null ? null : text(actual.value);
      noted.revision = actual?.modRevision ?? 0;
    }
  });
}

async function read(client: KvClient, noted: Noted, where: { node?: number } = {}): Promise<void> {
  const result = await client.read(noted.key, where);
  noted.result = result.found ? text(result.value) : null;
  noted.revision = result.found ? result.modRevision : 0;
}

async function note(noted: Noted, action: () => Promise<void>): Promise<Noted> {
  try {
    await action();
    noted.outcome = "ok";
    noted.return = microseconds();
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    noted.outcome = error.definite ? "failed" : "unknown";
    if (error.definite) noted.return = microseconds();
  }
  return noted;
}
