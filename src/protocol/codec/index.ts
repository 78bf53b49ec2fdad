/** What all decoders have in common. */
export { ANY_BALLOT, BALLOT } from "./ballot-fields.ts";
export {
  checkArray,
  checkBoolean,
  checkBytes,
  checkInteger,
  checkObject,
  checkString,
} from "./checks.ts";
export { DecodeError } from "./decode-error.ts";
export {
  added,
  BOOLEAN,
  byteString,
  byteStrings,
  type Form,
  INDEX,
  integer,
  type Kind,
  list,
  mapped,
  optional,
  POSITIVE,
  type Shape,
  type Source,
  type Structure,
  structure,
  text,
  UINT32,
} from "./fields.ts";
export { flags, type Layout, listOf, record } from "./layout.ts";
export { decodeMsgpack, encodeMsgpack } from "./msgpack.ts";
