/**
 * A client that reads keys as they are or were: one of a revision, several of one state, and the versions of one, page by page. It notes
 * its answers; key-check.ts checks them against the decided log when the run is over. It reads what the other clients write.
 */
import type { Answer, Operation } from "../../client/core/index.ts";
import { type KvError, unreachable } from "../../base/index.ts";
import { Asker, type AskerOptions } from "./asker.ts";
import type { KeyReadRecord, ReadVersion } from "./history.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import { ACCOUNT_PREFIX, ACCOUNTS } from "./transactor.ts";
import { LEASE_KEYS, LEASE_KEYS_COUNT } from "./lease-holder.ts";

export interface KeyReaderOptions extends AskerOptions {
  /** Of the clients of single keys. */
  readonly keys: number;
}

const PAUSE_MS_MAX = 60;
const KEYS_AT_ONCE_MAX = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Asked = Pick<KeyReadRecord, "kind" | "keys" | "local" | "asked" | "limit">;

export class KeyReader extends Asker<KeyReaderOptions> {
  /** The latest revision that it was told. */
  #seen = 0;

  constructor(options: KeyReaderOptions) {
    super(options, "s", 150, PAUSE_MS_MAX);
  }

  protected ask(): void {
    const { random } = this.options;
    const kind = random.pick(["read", "keys", "history"] as const);
    const count = kind === "keys" ? random.between(1, KEYS_AT_ONCE_MAX) : 1;
    this.#read({
      kind,
      keys: Array.from({ length: count }, () => this.#key(random)),
      local: random.chance(0.4),
      // Now and then of what is yet to come.
      asked: random.chance(0.5) ? random.between(1, this.#seen + 2) : 0,
      limit: random.pick([1, 2, 5, 1000]),
    });
  }

  #key(random: SeededRandom): string {
    switch (random.below(4)) {
      case 0:
        return `${ACCOUNT_PREFIX}${random.below(ACCOUNTS)}`;
      case 1:
        return `${LEASE_KEYS}${random.below(LEASE_KEYS_COUNT)}`;
      default:
        return `k${random.below(this.options.keys)}`;
    }
  }

  #read(asked: Asked): void {
    const { history, index, random } = this.options;
    const call = history.mark();
    const node = random.chance(0.5) ? null : random.pick(this.options.nodes).id;
    this.core.submit(operationOf(asked), { node }, (error, answer) => {
      if (answer === null) return this.#refused(asked, call, error);
      const versions = versionsIn(asked, answer);
      const resume = answer.versions?.resume ?? null;
      const state = answer.page?.revision ?? null;
      history.keyReads.push({
        ...asked,
        reader: index,
        call,
        back: history.mark(),
        state,
        versions,
        resume,
      });
      this.#seen = Math.max(this.#seen, state ?? 0, ...versions.map(({ mod }) => mod));
      this.#count(`${asked.kind}${asked.asked > 0 ? " of a revision" : ""} answered`);
      if (resume === null || this.isStopped) return this.start();
      this.#count("history goes on");
      this.#read({ ...asked, asked: resume });
    });
  }

  #refused({ asked }: Asked, call: number, error: KvError | null): void {
    const code = error?.code ?? "no error";
    this.#count(code);
    if (code === "COMPACTED") {
      const oldest = error?.oldestRevision ?? 0;
      this.options.history.refusedRanges.push({ asked, call, oldest });
    }
    this.start();
  }

  #count(what: string): void {
    this.options.coverage.hit(`keys: ${what}`);
  }
}

function operationOf({ kind, keys, local, asked: revision, limit }: Asked): Operation {
  const [key = ""] = keys;
  switch (kind) {
    case "read":
      return { kind, key: encoder.encode(key), local, revision };
    case "keys":
      return { kind, keys: keys.map((each) => encoder.encode(each)), local, revision };
    case "history":
      return { kind, key: encoder.encode(key), local, revision, limit };
    default:
      return unreachable(kind, "kind of read");
  }
}

/** Copies: what an answer holds is gone after the call that brings it. */
function versionsIn({ kind, keys }: Asked, answer: Answer): ReadVersion[] {
  const [key = ""] = keys;
  switch (kind) {
    case "read": {
      const { value, revision: mod, createRevision: create, version } = answer;
      return value === null ? [] : [{ key, value: decoder.decode(value), create, mod, version }];
    }
    case "keys":
      return Array.from(answer.page?.items ?? [], (item) => ({
        key: decoder.decode(item.key),
        value: decoder.decode(item.value ?? new Uint8Array(0)),
        create: item.createRevision,
        mod: item.modRevision,
        version: item.version,
      }));
    case "history":
      return (answer.versions?.items ?? []).map((item) => ({
        key,
        value: item.value === null ? null : decoder.decode(item.value),
        create: item.createRevision,
        mod: item.modRevision,
        version: item.version,
      }));
    default:
      return unreachable(kind, "kind of read");
  }
}
