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
 * Frames that come after a request to sign in wait until it is answered. A server of the version before ends the connection:
 * nobody sends the frame without being told to.
 */
import { ByteReader, ByteWriter, errorCodeFromWire, ERRORS, KvError } from "../../base/index.ts";
import { DecodeError } from "../codec/index.ts";

export const SIGN_IN_FRAME = 6;
export const SIGNED_IN_FRAME = 7;
const PASSWORD = 1;
const TOKEN = 2;
const TEXT_BYTES_MAX = 1024;

export interface SignInRequest {
  readonly user: string;
  readonly proof: { readonly password: string } | { readonly token: string };
}

export interface SignInAnswer {
  readonly token: string;
  readonly lifetimeMs: number;
}

export function encodeSignIn({ user, proof }: SignInRequest): Uint8Array {
  const out = new ByteWriter(256);
  out.u8(SIGN_IN_FRAME);
  out.sizedText(user);
  out.u8("password" in proof ? PASSWORD : TOKEN);
  out.sizedText("password" in proof ? proof.password : proof.token);
  return out.copy();
}

/** @throws DecodeError */
export function decodeSignIn(frame: Uint8Array): SignInRequest {
  const reader = new ByteReader().reset(frame);
  if (reader.u8() !== SIGN_IN_FRAME) reader.fail("a request to sign in");
  const user = text(reader);
  const kind = reader.u8();
  if (kind !== PASSWORD && kind !== TOKEN) reader.fail("a password or a token");
  const given = text(reader);
  end(reader);
  return { user, proof: kind === PASSWORD ? { password: given } : { token: given } };
}

export function encodeSignedIn(answer: SignInAnswer | KvError): Uint8Array {
  const out = new ByteWriter(256);
  out.u8(SIGNED_IN_FRAME);
  if (answer instanceof KvError) {
    out.u8(ERRORS[answer.code].wire);
    out.sizedText(answer.message.slice(0, TEXT_BYTES_MAX / 4));
  } else {
    out.u8(0);
    out.sizedText(answer.token);
    out.varint(Math.ceil(answer.lifetimeMs));
  }
  return out.copy();
}

/** @throws DecodeError */
export function decodeSignedIn(frame: Uint8Array): SignInAnswer | KvError {
  const reader = new ByteReader().reset(frame);
  if (reader.u8() !== SIGNED_IN_FRAME) reader.fail("an answer to a sign-in");
  const status = reader.u8();
  const said = text(reader);
  const lifetimeMs = status === 0 ? reader.varint() : 0;
  end(reader);
  if (status === 0) return { token: said, lifetimeMs };
  return new KvError(errorCodeFromWire(status), said);
}

function text(reader: ByteReader): string {
  const length = reader.varint();
  if (length > TEXT_BYTES_MAX) reader.fail(`at most ${TEXT_BYTES_MAX} bytes`);
  return reader.failed ? "" : reader.text(length);
}

function end(reader: ByteReader): void {
  if (!reader.failed && !reader.isAtEnd) reader.fail("the end of the frame");
  const problem = reader.failed ? reader.problem : null;
  reader.release();
  if (problem !== null) throw new DecodeError(`sign in: ${problem}`);
}
