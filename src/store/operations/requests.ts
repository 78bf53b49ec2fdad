/** Requests of clients, which follow from the table: names for one or more of its operations. */
import type { KeyOpName } from "./codes.ts";
import type { Operation } from "./operation.ts";
import { OP_NAMES, OPERATIONS } from "./table.ts";

export type RequestName = (typeof OPERATIONS)[KeyOpName]["request"];

/** Requests that are the operation of the same name, with the same fields: all but `cas`. */
export type PlainRequestName = {
  [N in KeyOpName]: (typeof OPERATIONS)[N]["request"] extends N ? N : never;
}[KeyOpName];

/** The kind of answer to a request. */
export type AnswerOf<R extends RequestName> = {
  [N in KeyOpName]: (typeof OPERATIONS)[N]["request"] extends R
    ? (typeof OPERATIONS)[N]["answer"]
    : never;
}[KeyOpName];

const keyOperations = OP_NAMES.flatMap((name) => {
  const operation: Operation = OPERATIONS[name];
  return operation.kind === "key" ? [{ ...operation, name }] : [];
});

/** By request. */
export const ANSWERED_WITH = Object.fromEntries(
  keyOperations.map(({ request, answer }) => [request, answer]),
) as { readonly [R in RequestName]: AnswerOf<R> };

export const PLAIN_REQUESTS = keyOperations
  .filter(({ name, request }) => name === request)
  .map(({ name }) => name) as unknown as readonly PlainRequestName[];
