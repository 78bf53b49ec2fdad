/**
 * Requests about one key, as data: from users' arguments to operations, and from answers to users' results. The table of operations
 * determines which requests there are, with which fields and which answer. Only `cas` takes another form than it has on the wire; a
 * read is no operation: it is in no log.
 */
import type { KvError } from "../../base/index.ts";
import { STATUS } from "../../store/commands/index.ts";
import {
  ANSWERED_WITH,
  FIELD_BITS,
  OP,
  PLAIN_REQUESTS,
  VALUE_BIT,
  type AnsweredWith,
  type Command,
  type FieldContent,
  type OPERATIONS,
  type PlainRequestName,
} from "../../store/operations/index.ts";
import {
  badArgument,
  bytesOf,
  type KeyRequest,
  namesOf,
  type ResultOf,
  type Results,
  unknownName,
  wrongBytes,
  wrongCondition,
  wrongMoment,
} from "../terms/index.ts";
import type { Answer, Operation } from "../core/index.ts";
import { casOperation, casResult, readOperation, readResult, type ReadMoment } from "./results.ts";

const RESULTS: { readonly [A in AnsweredWith]: (answer: Answer) => Results[A] } = {
  written: ({ revision, node }) => ({ revision, node }),
  deleted: ({ status, revision, node }) => ({ existed: status === STATUS.ok, revision, node }),
  swapped: casResult,
};

/** Plain requests that have a value beside the key. */
const WITH_VALUE: ReadonlyMap<string, boolean> = new Map(
  PLAIN_REQUESTS.map((name) => [name, ((FIELD_BITS[OP[name]] ?? 0) & VALUE_BIT) !== 0]),
);

type RequestOf<O extends KeyRequest["op"]> = Extract<KeyRequest, { readonly op: O }>;
const READ_NAMES = namesOf<RequestOf<"read">>({
  op: true,
  key: true,
  consistency: true,
  revision: true,
  atLeast: true,
});
const CAS_NAMES = namesOf<RequestOf<"cas">>({ op: true, key: true, condition: true, value: true });
const WRITE_NAMES = namesOf<RequestOf<"write">>({ op: true, key: true, value: true });
const DELETE_NAMES = namesOf<RequestOf<"delete">>({ op: true, key: true });

/** `"write", "delete", … or "read"`: for the message to a user who named another one. */
const NAMES = Object.keys(ANSWERED_WITH).map((name) => `"${name}"`);
const NAMES_EXPECTED = `${NAMES.join(", ")} or "read"`;
const REQUEST_EXPECTED = 'an operation like { op: "write", key, value }';

/** What is wrong with it: programs without types hand in anything. */
export function wrongRequest(request: unknown): KvError | null {
  if (typeof request !== "object" || request === null) {
    return badArgument("operation", REQUEST_EXPECTED, request);
  }
  const { op, key, value, condition } = request as Record<string, unknown>;
  switch (op) {
    case "read":
      return (
        wrongBytes("key", key) ??
        unknownName(request, READ_NAMES, "operation") ??
        wrongMoment(request)
      );
    case "cas":
      return (
        wrongBytes("key", key) ??
        unknownName(request, CAS_NAMES, "operation") ??
        wrongCondition(condition) ??
        wrongBytes("value", value)
      );
    default: {
      const withValue = typeof op === "string" ? WITH_VALUE.get(op) : undefined;
      if (withValue === undefined) return badArgument("operation.op", NAMES_EXPECTED, op);
      return (
        wrongBytes("key", key) ??
        unknownName(request, withValue ? WRITE_NAMES : DELETE_NAMES, "operation") ??
        (withValue ? wrongBytes("value", value) : null)
      );
    }
  }
}

/** Fields of plain requests. Another one than these two fails to compile in `operationOf`. */
type PlainField = (typeof OPERATIONS)[PlainRequestName]["fields"][number];
type PlainCommand = { readonly kind: PlainRequestName } & {
  readonly [F in PlainField]?: FieldContent<F>;
};

/**
 * @param request one with which nothing is wrong
 * @param options of a read that does not say
 */
export function operationOf(request: KeyRequest, options: ReadMoment = {}): Operation {
  switch (request.op) {
    case "read":
      return readOperation(bytesOf(request.key), {
        consistency: request.consistency ?? options.consistency,
        revision: request.revision ?? options.revision,
        atLeast: request.atLeast ?? options.atLeast,
      });
    case "cas":
      return casOperation(bytesOf(request.key), request.condition, bytesOf(request.value));
    default: {
      const key = bytesOf(request.key);
      const command: PlainCommand =
        "value" in request
          ? { kind: request.op, key, value: bytesOf(request.value) }
          : { kind: request.op, key };
      // It has the fields of its operation: the request had them.
      return command as Command<PlainRequestName>;
    }
  }
}

/** Turns an answer to the request into the user's result. */
export function resultOf<O extends KeyRequest["op"]>(op: O): (answer: Answer) => ResultOf<O> {
  const names: Readonly<Record<string, AnsweredWith>> = ANSWERED_WITH;
  const answered = names[op];
  const toResult = answered === undefined ? readResult : RESULTS[answered];
  // The table has the answer for the request of this name.
  return toResult as (answer: Answer) => ResultOf<O>;
}
