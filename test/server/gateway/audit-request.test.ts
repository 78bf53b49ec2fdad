/** What the audit log says of requests of management. */
import { expect, test } from "vitest";
import type { AdminRequest } from "../../../src/protocol/admin/index.ts";
import { subjectOf } from "../../../src/server/gateway/audit-request.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const fault = { dropPermille: 100, delayMs: 0 };
const range = { start: bytes("a/"), end: bytes("a0") };

type Asked = { [Op in AdminRequest["op"]]: Omit<Extract<AdminRequest, { op: Op }>, "id"> };

test.each<[Asked[AdminRequest["op"]], string | null]>([
  [{ op: "listKeys", params: { prefix: bytes("a/"), after: null, limit: 9 } }, "a/..a0"],
  [{ op: "listKeys", params: { prefix: bytes(""), after: bytes("k"), limit: 9 } }, ".. after k"],
  [{ op: "setQuota", params: { bytes: 5_000_000 } }, "bytes 5000000"],
  [{ op: "setHistory", params: { revisions: 7, bytes: null } }, "revisions 7 bytes default"],
  [{ op: "compact", params: { revision: 12 } }, "revision 12"],
  [{ op: "breakLink", params: { peer: 2, direction: "in" } }, "peer 2 in"],
  [
    { op: "setFault", params: { peer: 2, direction: "both", ...fault } },
    "peer 2 both dropPermille 100 delayMs 0",
  ],
  [{ op: "setFaults", params: { faults: [] } }, "none"],
  [
    {
      op: "changeAccess",
      params: { change: { kind: "permit", role: "r", may: "read", ...range } },
    },
    "r read a/..a0",
  ],
  [
    {
      op: "changeAccess",
      params: { change: { kind: "setPassword", user: "ann", password: "of ann" } },
    },
    "ann",
  ],
  [{ op: "heal", params: {} }, null],
])("%j", (request, said) => {
  expect(subjectOf({ id: 1, ...request })).toBe(said);
});

test("of many faults some are named", () => {
  const faults = Array.from({ length: 20 }, (_, i) => ({
    ...({ peer: i + 1, direction: "out", ...fault } as const),
  }));
  const said = subjectOf({ id: 1, op: "setFaults", params: { faults } });
  expect(said).toMatch(/^peer 1 out dropPermille 100 delayMs 0, peer 2 out .* and 4 more$/);
});
