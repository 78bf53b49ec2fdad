/** The requests of clients and their answers, in the order of the world. */
import { assert } from "../../base/index.ts";
import type { ByteString, RangeSelection, Where } from "../../store/index.ts";
import {
  OPERATIONS,
  type Operation as TableOperation,
  type PlainRequestName,
} from "../../store/operations/index.ts";

/**
 * Begins every value that is to be put behind another one, and stands in no other place: so checks can take a value that a client
 * saw apart.
 */
export const PIECE_START = "+";

/** A request about one key, with texts for bytes. */
export type ClientOperation =
  | {
      [N in PlainRequestName]: { readonly kind: N } & {
        readonly [F in (typeof OPERATIONS)[N]["fields"][number]]: string;
      };
    }[PlainRequestName]
  | {
      readonly kind: "cas";
      readonly key: string;
      readonly expected: Expected;
      readonly value: string;
    }
  | { readonly kind: "read"; readonly key: string; readonly local: boolean };

export type Expected =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "absent" }
  | { readonly kind: "revision"; readonly revision: number };

export type Outcome =
  /** Unknown: it may happen at any time, or never. */
  | { readonly kind: "unknown" }
  /** It certainly did not happen and never will. */
  | { readonly kind: "refused" }
  | { readonly kind: "written"; readonly revision: number }
  | { readonly kind: "deleted"; readonly revision: number }
  /** A delete that found nothing. */
  | { readonly kind: "missing" }
  | { readonly kind: "casFailed"; readonly actual: string | null; readonly revision: number }
  | { readonly kind: "found"; readonly value: string; readonly revision: number }
  | { readonly kind: "notFound" };

export interface OperationRecord {
  readonly client: number;
  readonly operation: ClientOperation;
  /** Position in the order of all calls and returns. */
  readonly call: number;
  /** Infinity: never came back. */
  end: number;
  outcome: Outcome;
}

/** A range whose pages have all come. */
export interface RangeRecord {
  readonly reader: number;
  readonly start: string;
  readonly end: string | null;
  readonly reverse: boolean;
  readonly countOnly: boolean;
  readonly local: boolean;
  /** The revision that was asked for; 0: the newest. */
  readonly asked: number;
  /** Keys at most, of those that are wanted, in the order that they are wanted in. */
  readonly limit: number;
  readonly select: RangeSelection | null;
  /** Of a local one: from no state before this revision. 0: any. */
  readonly atLeast: number;
  /** Positions in the order of all calls and returns. */
  readonly call: number;
  readonly back: number;
  readonly revision: number;
  readonly count: number;
  readonly keys: readonly (readonly [key: string, value: string, modRevision: number])[];
}

/** A version of a key as a reader was told it. */
export interface ReadVersion {
  readonly key: string;
  /** Null: it was deleted. */
  readonly value: string | null;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
}

/** One answer to a reader of keys. */
export interface KeyReadRecord {
  readonly reader: number;
  readonly kind: "read" | "keys" | "history";
  readonly keys: readonly string[];
  readonly local: boolean;
  /** The revision that was asked for; 0: the newest. */
  readonly asked: number;
  /** Versions at most. */
  readonly limit: number;
  /** Positions in the order of all calls and returns. */
  readonly call: number;
  readonly back: number;
  /** The revision of the state, where the answer tells it. */
  readonly state: number | null;
  /** Of a history newest first. */
  readonly versions: readonly ReadVersion[];
  /** Where a history goes on. */
  readonly resume: number | null;
}

/** A read at a revision that was refused. */
export interface RefusedRange {
  readonly asked: number;
  readonly call: number;
  /** The oldest revision there is, as it was told; null: the revision was said to be yet to come. */
  readonly oldest: number | null;
}

/** A transaction that a client asked for. */
export interface TxnRecord {
  readonly client: number;
  /** As it travels; no two are the same. */
  readonly body: ByteString;
  /** Positions in the order of all calls and returns. */
  readonly call: number;
  /** Infinity: never came back. */
  back: number;
  outcome:
    | { readonly kind: "unknown" | "refused" }
    | {
        readonly kind: "told";
        readonly succeeded: boolean;
        readonly revision: number;
        /** As they travel; null: not told. */
        readonly results: ByteString | null;
      };
}

/** A request of a client whose user may not do everything. */
export interface LimitedRecord {
  readonly user: string;
  readonly what: string;
  readonly call: number;
  readonly local: boolean;
  /** What it needs to be permitted, all of it at once. */
  readonly reads: readonly Where[];
  readonly writes: readonly Where[];
  /** "ok", or the code of an error. */
  readonly outcome: string;
  /** The store's revision when it was decided; null: the answer does not say. */
  readonly revisions: { readonly from: number; readonly isChange: boolean } | null;
}

/** What a manager was told of a setting, or of a change of users and rights. */
export interface ToldSetting {
  /** As settingName gives it. */
  readonly name: string;
  /** Null: it holds at the node that was asked. Else the code of an error that the state gave. */
  readonly code: string | null;
  /** Where in the log it can stand: behind what was decided when it was asked, within what the node had applied when it answered. */
  readonly from: number;
  readonly to: number;
}

export class History {
  readonly settings: ToldSetting[] = [];
  readonly limited: LimitedRecord[] = [];
  /** Changes of rights that some client has heard of: from the mark on no state before the epoch counts. */
  readonly accessSeen: { readonly mark: number; readonly epoch: number }[] = [];
  readonly operations: OperationRecord[] = [];
  /** Those whose pages have all come. */
  readonly ranges: RangeRecord[] = [];
  readonly refusedRanges: RefusedRange[] = [];
  readonly keyReads: KeyReadRecord[] = [];
  readonly txns: TxnRecord[] = [];
  /** Keys and values, together. */
  readonly #asked = new Set<string>();
  #position = 0;

  invoke(client: number, operation: ClientOperation): OperationRecord {
    const record: OperationRecord = {
      client,
      operation,
      call: this.#position++,
      end: Number.POSITIVE_INFINITY,
      outcome: { kind: "unknown" },
    };
    this.operations.push(record);
    if ("value" in operation) this.#asked.add(`${operation.key} ${operation.value}`);
    return record;
  }

  /** A position of its own, for what is no operation on a key. */
  mark(): number {
    return this.#position++;
  }

  complete(record: OperationRecord, outcome: Outcome): void {
    record.outcome = outcome;
    record.end = this.#position++;
  }

  /**
   * No client is told a value, or a piece of one, that no client asked to write to that key: that would be another key's.
   * @throws InvariantError
   */
  checkKey({ client, operation, outcome }: OperationRecord): void {
    const told =
      outcome.kind === "found"
        ? outcome.value
        : outcome.kind === "casFailed"
          ? outcome.actual
          : null;
    const parts = told === null ? [] : partsOf(told);
    assert(
      parts.every((part) => this.#asked.has(`${operation.key} ${part}`)),
      `client ${client} was told of another key: ${describeOperation({ operation, outcome })}`,
    );
  }
}

/** Whether a value that is written so is put behind the one that is there. */
export function adds(kind: ClientOperation["kind"]): boolean {
  if (kind === "read" || kind === "cas") return false;
  const operation: TableOperation = OPERATIONS[kind];
  return operation.kind === "key" && operation.growth === "adds";
}

/** What the newest change of such a value has put there: the whole of it, or the piece behind what was there before. */
export function newestPart(value: string): string {
  return partsOf(value).at(-1) ?? value;
}

function partsOf(value: string): readonly string[] {
  const [first, ...rest] = value.split(PIECE_START);
  const pieces = rest.map((piece) => PIECE_START + piece);
  return first === undefined || first === "" ? pieces : [first, ...pieces];
}

/** One line, for people. */
export function describeOperation({
  operation,
  outcome,
}: Pick<OperationRecord, "operation" | "outcome">): string {
  const { kind, ...rest } = operation;
  const fields = Object.entries(rest)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" ");
  return `${kind} ${fields} -> ${JSON.stringify(outcome)}`;
}
