/** The management protocol, after the handshake: one msgpack map a frame, `id` pairs answers with requests. */
import * as z from "zod";
import { CLIENT_FRAME_BYTES_MAX, type ErrorCode, ERRORS, KvError } from "../../base/index.ts";
import {
  ADMIN_OPERATIONS,
  ADMIN_OPS,
  type AdminOp,
  type AdminParams,
  type AdminRequest,
  type AdminResult,
} from "./admin-schema.ts";
import { DecodeError, decodeMsgpack, encodeMsgpack } from "../codec/index.ts";
import { issueText } from "./issue-text.ts";

export { issueText } from "./issue-text.ts";
export {
  ADMIN_OPERATIONS,
  ADMIN_OPS,
  type AdminAccessChange,
  type AdminAlarm,
  type AdminBallot,
  type AdminLink,
  type AdminOp,
  type AdminParams,
  type AdminRequest,
  type AdminResult,
  type AdminStatus,
  type LinkDirection,
} from "./admin-schema.ts";

const TEXT_LENGTH_MAX = 4 * 1024;

/** A request that cannot be understood, with its id where that much could be read: then it can be answered. */
export class AdminRequestError extends DecodeError {
  readonly id: number | null;
  constructor(id: number | null, message: string) {
    super(message);
    this.id = id;
  }
}

/** Parameters stand beside id and op. */
export function encodeAdminRequest<Op extends AdminOp>(
  id: number,
  op: Op,
  params: AdminParams<Op>,
): Uint8Array {
  return encodeMsgpack({ ...params, id, op });
}

const requestHead = z.looseObject({ id: z.int().min(0), op: z.string().max(40) });

/** @throws AdminRequestError, and nothing else for any bytes */
export function decodeAdminRequest(bytes: Uint8Array): AdminRequest {
  const value = unpack(bytes, (message) => new AdminRequestError(null, message));
  const head = requestHead.safeParse(value);
  if (!head.success) throw new AdminRequestError(null, issueText(head.error, "request", value));
  const { id, op, ...fields } = head.data;
  if (!isAdminOp(op)) {
    const known = ADMIN_OPS.join(", ");
    throw new AdminRequestError(id, `op: expected one of ${known}, got ${JSON.stringify(op)}`);
  }
  const params = ADMIN_OPERATIONS[op].params.safeParse(fields);
  if (!params.success) throw new AdminRequestError(id, issueText(params.error, op, fields));
  // The table pairs each operation with its parameters, which the compiler does not follow through the look-up.
  return { id, op, params: params.data } as AdminRequest;
}

export function encodeAdminResult<Op extends AdminOp>(
  id: number,
  _op: Op,
  result: AdminResult<Op>,
): Uint8Array {
  return encodeMsgpack({ id, ok: true, result });
}

export function encodeAdminError(id: number, error: KvError): Uint8Array {
  const { code, definite, retryable } = error;
  const message = error.message.slice(0, TEXT_LENGTH_MAX);
  return encodeMsgpack({ id, ok: false, error: { code, message, definite, retryable } });
}

const answerSchema = z.discriminatedUnion("ok", [
  z.object({ id: z.int().min(0), ok: z.literal(true), result: z.unknown() }),
  z.object({
    id: z.int().min(0),
    ok: z.literal(false),
    error: z.object({
      code: z.string().max(40),
      message: z.string().max(TEXT_LENGTH_MAX),
      definite: z.boolean(),
      retryable: z.boolean(),
    }),
  }),
]);

export type AdminAnswer =
  /** `parseAdminResult` checks the result: only the asker knows which operation it belongs to. */
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: KvError };

/** @throws DecodeError, and nothing else for any bytes */
export function decodeAdminAnswer(bytes: Uint8Array): AdminAnswer {
  const value = unpack(bytes, (message) => new DecodeError(message));
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success) throw new DecodeError(issueText(parsed.error, "answer", value));
  const answer = parsed.data;
  if (answer.ok) return { id: answer.id, ok: true, result: answer.result };
  const { code, message, definite } = answer.error;
  return { id: answer.id, ok: false, error: new KvError(knownCode(code), message, { definite }) };
}

/** @throws DecodeError when this is no result of the operation */
export function parseAdminResult<Op extends AdminOp>(op: Op, result: unknown): AdminResult<Op> {
  const parsed = ADMIN_OPERATIONS[op].result.safeParse(result);
  if (!parsed.success) throw new DecodeError(issueText(parsed.error, op, result));
  return parsed.data as AdminResult<Op>;
}

function isAdminOp(op: string): op is AdminOp {
  return Object.hasOwn(ADMIN_OPERATIONS, op);
}

/** This version does not know the codes of later ones. */
function knownCode(code: string): ErrorCode {
  return Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "INTERNAL";
}

function unpack(bytes: Uint8Array, failure: (message: string) => DecodeError): unknown {
  if (bytes.length > CLIENT_FRAME_BYTES_MAX) {
    throw failure(`frame of ${bytes.length} bytes, the limit is ${CLIENT_FRAME_BYTES_MAX}`);
  }
  try {
    return decodeMsgpack(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw failure(error.message);
  }
}
