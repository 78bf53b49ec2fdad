import { expect, test } from "vitest";
import { StorageError } from "../../../src/base/index.ts";
import { withRejoinNote } from "../../../src/server/process/serving-node.ts";

test("whoever has given --rejoin already is told why it did nothing", () => {
  const lost = new StorageError("LOST_IDENTITY", "start the node with --rejoin");
  const asked = { node: { rejoin: true }, dataDirectory: "/var/lib/omnikv" };
  const { message } = withRejoinNote(lost, asked);
  expect(message).toMatch(/--rejoin was given, and did nothing: \/var\/lib\/omnikv is not empty/);
  expect(withRejoinNote(lost, { ...asked, node: {} })).toBe(lost);
  const other = new StorageError("LOG_DAMAGED", "the log is damaged");
  expect(withRejoinNote(other, asked)).toBe(other);
});
