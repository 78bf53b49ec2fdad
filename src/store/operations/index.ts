/** The operations on a store, each written once. */
export type { AnsweredWith, CommandAtHand, EntryRules, KeyAtHand, Operation } from "./operation.ts";
export {
  FIELDS,
  type FieldContent,
  type FieldName,
  type NumberField,
  type SizedField,
} from "./fields.ts";
export { OP_NAMES, OPERATIONS, type OpName } from "./table.ts";
export {
  APPLY,
  BODY_BIT,
  COMPACT_BIT,
  EXPECTED_BIT,
  FIELD_BITS,
  HISTORY_BYTES_BIT,
  HISTORY_REVISIONS_BIT,
  KEY_BIT,
  LEASE_BIT,
  NEWEST_RULES,
  NONCE_BIT,
  NUMBERS_BIT,
  OP,
  operationOf,
  PLACE,
  PLACES,
  QUOTA_BIT,
  REVISION_BIT,
  PROPOSED_BY,
  SINCE,
  TTL_BIT,
  TXN_BIT,
  VALUE_BIT,
  type ControlOp,
  type ControlOpName,
} from "./codes.ts";
export type { Command, KeyCommand } from "./command.ts";
export {
  ANSWERED_WITH,
  PLAIN_REQUESTS,
  type AnswerOf,
  type PlainRequestName,
  type RequestName,
} from "./requests.ts";
