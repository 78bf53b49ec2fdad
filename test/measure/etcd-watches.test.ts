/** The bytes of etcd's watches, as its own client makes and reads them. */
import { expect, test } from "vitest";
import { createMessage, readWatchResponse } from "../../src/measure/subjects/etcd-watches.ts";

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");

test("a request for a watch of a key, and of everything", () => {
  // Length of the message; create_request { key: "ab" }.
  expect(createMessage(Buffer.from("ab"), null)).toEqual(bytes("00 00000006 0a 04 0a 02 6162"));
  // create_request { key: "\0", range_end: "\0" }.
  const all = createMessage(new Uint8Array(1), new Uint8Array(1));
  expect(all).toEqual(bytes("00 00000008 0a 06 0a 01 00 12 01 00"));
});

test("what counts of an answer", () => {
  // header { revision: 5 }, watch_id: 1, created.
  const created = bytes("0a 02 18 05 10 01 18 01");
  expect(readWatchResponse(created)).toEqual({ created: true, canceled: false, events: 0 });
  // header, watch_id: 1, two events { kv { key: "a" } }.
  const told = bytes("0a 02 18 05 10 01 5a 05 12 03 0a 01 61 5a 05 12 03 0a 01 61");
  expect(readWatchResponse(told)).toEqual({ created: false, canceled: false, events: 2 });
  // header, watch_id: 1, canceled, cancel_reason: "no".
  const ended = bytes("0a 02 18 05 10 01 20 01 32 02 6e6f");
  expect(readWatchResponse(ended)).toEqual({ created: false, canceled: true, events: 0 });
});
