/**
 * What clients and nodes say to each other is byte for byte what it was when these bytes were recorded, by code that had an
 * encoder and a decoder by hand for each: programs of the version before must understand it.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeClientFrame } from "../../../src/protocol/client/client-requests.ts";
import { SIGN_IN_FRAME } from "../../../src/protocol/client/sign-in.ts";
import { ANSWER_SAMPLES, REQUEST_SAMPLES } from "../client-samples.ts";

type Recorded = readonly (readonly [string, string])[];
const recorded = JSON.parse(
  readFileSync(new URL("../fixtures/client-bytes.json", import.meta.url), "utf8"),
) as { readonly requests: Recorded; readonly answers: Recorded };

const hex = (samples: typeof REQUEST_SAMPLES): Recorded =>
  samples.map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")]);

test("requests of every kind", () => {
  expect(hex(REQUEST_SAMPLES)).toEqual(recorded.requests);
});

test("answers of every kind", () => {
  expect(hex(ANSWER_SAMPLES)).toEqual(recorded.answers);
});

test("recorded requests are understood", () => {
  for (const [, bytes] of recorded.requests) {
    const frame = Buffer.from(bytes, "hex");
    if (frame[0] !== SIGN_IN_FRAME) expect(decodeClientFrame(frame)).toBeDefined();
  }
});
