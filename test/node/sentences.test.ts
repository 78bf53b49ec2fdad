/** What a node says must not send its last copy of a write away unconditionally, and must not send people after a version that never was. */
import { expect, test } from "vitest";
import { outvotedText } from "../../src/node/agreement-log.ts";
import { unknownFormat } from "../../src/storage/log-errors.ts";

test("who is outvoted may be the one that is right: the majority can have gone back in time", () => {
  const text = outvotedText(3, { kind: "outvoted", by: [1, 2], agreedIdx: 48, differsIdx: 51 });
  expect(text).toContain("the same at 48, different at 51");
  expect(text).toMatch(/put back from an older copy.*acknowledged writes may be on this one only/);
  expect(text).toMatch(/Keep its data directory\. If the others are right: .*--rejoin/);
});

test("a log of an unknown format may be a damaged one", () => {
  const { code, message } = unknownFormat("log/00000001.log", "log format 19");
  expect(code).toBe("UNKNOWN_FORMAT");
  expect(message).toMatch(/start that version.*the file is damaged\. .*--rejoin/);
});
