/**
 * The actor: the user that asks for a command. While access control is on, a node puts a record with the actor in front of the
 * commands it takes from a client, in their group; no client may send such a record. While it is off there is no record, and no
 * cost.
 *
 *     actor := varint generation · name
 */
import { ByteReader, ByteWriter } from "../../base/index.ts";
import { OP } from "../operations/index.ts";
import { ACCESS_NAME } from "./access.ts";

export interface Actor {
  /** Of the user; empty: a client that knows the cluster's secret, which counts as root. */
  readonly name: string;
  /** Of the password by which the user signed in (access.ts, ACCESS-3); 0: by something else. */
  readonly generation: number;
}

/** A client that knows the cluster's secret. */
export const SECRET_HOLDER: Actor = { name: "", generation: 0 };

/** How much longer a group with its actor may be. */
export const ACTOR_BYTES_MAX = 256;

const reader = new ByteReader();
const out = new ByteWriter(512);

/** @returns the actor; null when the body is none */
export function readActor(body: Uint8Array): Actor | null {
  reader.reset(body);
  const generation = reader.varint();
  const name = reader.text(body.length - reader.offset);
  const isBad = reader.failed || (name !== "" && !ACCESS_NAME.test(name));
  reader.release();
  return isBad ? null : { name, generation };
}

function bodyOf({ name, generation }: Actor): Uint8Array {
  const body = new ByteWriter(160);
  body.varint(generation);
  body.bytes(Buffer.from(name, "utf8"));
  return body.copy();
}

/** The same (checked) group, which has no actor yet, with this one. */
export function withActor(group: Uint8Array, actor: Actor): Uint8Array {
  reader.reset(group);
  const session = reader.varint();
  const floor = reader.varint();
  const count = reader.varint();
  const { offset } = reader;
  reader.release();
  out.clear();
  out.varint(session);
  out.varint(floor);
  out.varint(count + 1);
  out.varint(0);
  out.u8(OP.actor);
  out.sized(bodyOf(actor));
  out.bytes(group.subarray(offset));
  return out.copy();
}
