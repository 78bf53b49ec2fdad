/**
 * Signing in on the client protocol; `client.ts` has the other frames.
 *
 *     client -> server
 *       sign in   u8 6 · user · u8 (1: a password, 2: a token) · password or token
 *     server -> client
 *       signed in u8 7 · u8 0 · token · varint lifetime (ms)      what comes after the frame is asked by that user
 *                 u8 7 · u8 error · text                          nothing has changed
 *     user, password, token, text := varint length · UTF-8
 *
 * Frames that come after a request to sign in wait until it is answered. A server of the version before ends the connection at
 * this frame: so a client sends it only when its user asked for it.
 */
import { ByteReader, ByteWriter, errorCodeFromWire, KvError } from "../../base/index.ts";
import { DecodeError, type Layout, record } from "../codec/index.ts";
import { CODE, TEXT_BYTES_MAX } from "./client-fields.ts";

export const SIGN_IN_FRAME = 6;
export const SIGNED_IN_FRAME = 7;
const PASSWORD = 1;
const TOKEN = 2;

export interface SignInRequest {
  readonly user: string;
  readonly proof: { readonly password: string } | { readonly token: string };
}

export interface SignInAnswer {
  readonly token: string;
  readonly lifetimeMs: number;
}

const CREDENTIAL: Layout<string> = {
  write: (out, text) => out.sizedText(text),
  read: (from) => {
    const length = from.varint();
    if (length > TEXT_BYTES_MAX) from.fail(`at most ${TEXT_BYTES_MAX} bytes`);
    return from.failed ? "" : from.text(length);
  },
};

const PROOF: Layout<SignInRequest["proof"]> = {
  write: (out, proof) => {
    out.u8("password" in proof ? PASSWORD : TOKEN);
    CREDENTIAL.write(out, "password" in proof ? proof.password : proof.token);
  },
  read: (from) => {
    const kind = from.u8();
    if (kind !== PASSWORD && kind !== TOKEN) from.fail("a password or a token");
    const given = CREDENTIAL.read(from);
    return kind === PASSWORD ? { password: given } : { token: given };
  },
};

const REQUEST: Layout<SignInRequest> = record((f) => ({
  user: f.take(CREDENTIAL),
  proof: f.take(PROOF),
}));

const ANSWER: Layout<SignInAnswer | KvError> = {
  write: (out, answer) => {
    if (answer instanceof KvError) {
      CODE.write(out, answer.code);
      CREDENTIAL.write(out, answer.message.slice(0, TEXT_BYTES_MAX / 4));
    } else {
      out.u8(0);
      CREDENTIAL.write(out, answer.token);
      out.varint(Math.ceil(answer.lifetimeMs));
    }
  },
  read: (from) => {
    const status = from.u8();
    const said = CREDENTIAL.read(from);
    if (status !== 0) return new KvError(errorCodeFromWire(status), said);
    return { token: said, lifetimeMs: from.varint() };
  },
};

export function encodeSignIn(request: SignInRequest): Uint8Array {
  return encode(SIGN_IN_FRAME, REQUEST, request);
}

/** @throws DecodeError */
export function decodeSignIn(frame: Uint8Array): SignInRequest {
  return decode(frame, SIGN_IN_FRAME, REQUEST, "a request to sign in");
}

export function encodeSignedIn(answer: SignInAnswer | KvError): Uint8Array {
  return encode(SIGNED_IN_FRAME, ANSWER, answer);
}

/** @throws DecodeError */
export function decodeSignedIn(frame: Uint8Array): SignInAnswer | KvError {
  return decode(frame, SIGNED_IN_FRAME, ANSWER, "an answer to a sign-in");
}

function encode<T>(type: number, layout: Layout<T>, value: T): Uint8Array {
  const out = new ByteWriter(256);
  out.u8(type);
  layout.write(out, value);
  return out.copy();
}

function decode<T>(frame: Uint8Array, type: number, layout: Layout<T>, what: string): T {
  const reader = new ByteReader().reset(frame);
  if (reader.u8() !== type) reader.fail(what);
  const value = layout.read(reader);
  if (!reader.failed && !reader.isAtEnd) reader.fail("the end of the frame");
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) throw new DecodeError(`sign in: ${problem}`);
  return value;
}
