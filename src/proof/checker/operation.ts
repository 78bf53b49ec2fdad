/**
 * The requests of clients and their answers: the checker sees nothing else of a store. Its requests do not follow from the product's
 * table of operations: it judges other stores too, and would be no witness if the product told it what requests mean.
 */

/** What a compare-and-swap wants to find. */
export type Expected =
  | { readonly kind: "value"; readonly value: string }
  | { readonly kind: "absent" }
  /** The key was last written at this revision. */
  | { readonly kind: "revision"; readonly revision: number };

/** What a client asked for. */
export type Request =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: string }
  | { readonly kind: "append"; readonly value: string }
  | { readonly kind: "delete" }
  | { readonly kind: "cas"; readonly expected: Expected; readonly value: string };

/** What a client was told. */
export type Answer =
  /** Null: there was nothing. */
  | { readonly kind: "value"; readonly value: string | null }
  | { readonly kind: "done" }
  /** The answer of a delete. Null: it did not say. */
  | { readonly kind: "deleted"; readonly existed: boolean | null }
  /** The answer of a cas. `actual` is what was there when it did not swap; null: nothing; undefined: the answer did not say. */
  | { readonly kind: "cas"; readonly swapped: boolean; readonly actual: string | null | undefined };

/**
 * ok: answered. fail: certainly had no effect, and says nothing about the state. unknown: may take effect at any time
 * after the call, or never. (A cas that was answered "not as expected" is ok.)
 */
export type Outcome = "ok" | "fail" | "unknown";

/** One request of a client, with what became of it. */
export interface Operation {
  /** Position in the history, from 0. */
  readonly id: number;
  readonly process: string;
  /** Session guarantees and program order hold within one. */
  readonly session: string;
  readonly key: string;
  readonly request: Request;
  readonly outcome: Outcome;
  /** Null unless the outcome is ok. */
  readonly answer: Answer | null;
  /** In the history's unit of time, on a clock that all processes share. */
  readonly call: number;
  /** Infinity: never answered. An answer at the very time of another call counts as concurrent with it. */
  readonly end: number;
  readonly consistency: "linearizable" | "local";
  /**
   * The store-wide revision in the answer: of the write itself, of the key that was read or that made a cas fail (0: it
   * was absent). Null: not known.
   */
  readonly revision: number | null;
  /** Log index that the answering node had applied. Null: not known. */
  readonly index: number | null;
  readonly node: string | null;
  /** Line of the file that holds the call, from 1. */
  readonly line: number | null;
}

/** The unit of `call` and `end`; "events" is the position in the history. */
export type TimeUnit = "ns" | "us" | "ms" | "events";

/** Everything that clients asked and were told in one run. */
export interface History {
  readonly operations: readonly Operation[];
  readonly unit: TimeUnit;
}

type Defaulted = "session" | "consistency" | "revision" | "index" | "node" | "line";
/** An operation without what most histories do not say: `createOperation` fills that in. */
export type OperationFields = Omit<Operation, Defaulted> & Partial<Pick<Operation, Defaulted>>;

/** Fills in what most histories do not say. */
export function createOperation(fields: OperationFields): Operation {
  return {
    id: fields.id,
    process: fields.process,
    session: fields.session ?? fields.process,
    key: fields.key,
    request: fields.request,
    outcome: fields.outcome,
    answer: fields.answer,
    call: fields.call,
    end: fields.end,
    consistency: fields.consistency ?? "linearizable",
    revision: fields.revision ?? null,
    index: fields.index ?? null,
    node: fields.node ?? null,
    line: fields.line ?? null,
  };
}
