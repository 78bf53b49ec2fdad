/** What readers of single keys are told, managers too: each test has one thing wrong. */
import { describe, expect, test } from "vitest";
import { buildEntry, GroupWriter, type ByteString } from "../../../src/store/index.ts";
import { hashedSessionName } from "../../../src/store/sessions/session-id.ts";
import { DecidedLog } from "../../../src/proof/simulator/decided-log.ts";
import { History, type KeyReadRecord } from "../../../src/proof/simulator/history.ts";
import { checkKeyReads } from "../../../src/proof/simulator/key-check.ts";
import { checkToldSettings } from "../../../src/proof/simulator/settings-check.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** x=a at revision 1, x=b at 2, y=c at 3, x deleted at 4, x=d at 5; a bound of the history at index 2; compacted to 2 at index 3. */
function someEntries(): readonly Uint8Array[] {
  const open = new GroupWriter();
  open.add(0, { kind: "openSession", nonce: new Uint8Array(16) });
  const session = hashedSessionName("\0".repeat(16) as ByteString, 0, 0, 0).id;
  const changes = new GroupWriter();
  changes.add(1, { kind: "write", key: bytes("x"), value: bytes("a") });
  changes.add(2, { kind: "write", key: bytes("x"), value: bytes("b") });
  changes.add(3, { kind: "write", key: bytes("y"), value: bytes("c") });
  changes.add(4, { kind: "delete", key: bytes("x") });
  changes.add(5, { kind: "write", key: bytes("x"), value: bytes("d") });
  const bound = new GroupWriter();
  bound.add(0, { kind: "setHistory", historyRevisions: 100, historyBytes: 0 });
  const compact = new GroupWriter();
  compact.add(0, { kind: "compact", compactRevision: 2 });
  return [open.take(0, 0), changes.take(session, 0), bound.take(0, 0), compact.take(0, 0)].map(
    (group, i) => buildEntry({ node: 1, nonce: 1, batch: i + 1 }, [group]),
  );
}

const log = new DecidedLog(someEntries());
const A = { key: "x", value: "a", create: 1, mod: 1, version: 1 };
const B = { key: "x", value: "b", create: 1, mod: 2, version: 2 };
const GONE = { key: "x", value: null, create: 0, mod: 4, version: 0 };
const D = { key: "x", value: "d", create: 5, mod: 5, version: 1 };
const C = { key: "y", value: "c", create: 3, mod: 3, version: 1 };

const READ: KeyReadRecord = {
  reader: 0,
  kind: "read",
  keys: ["x"],
  local: false,
  asked: 0,
  limit: 10,
  call: 10,
  back: 11,
  state: null,
  versions: [D],
  resume: null,
};
const KEYS: KeyReadRecord = {
  ...READ,
  kind: "keys",
  keys: ["y", "x", "y"],
  state: 5,
  versions: [C, D],
};
const HISTORY: KeyReadRecord = { ...READ, kind: "history", versions: [D, GONE, B] };

function judge(record: KeyReadRecord, history = new History()): void {
  checkKeyReads([record], history.operations, log);
}

describe("a reader of keys is told", () => {
  test.each<[string, KeyReadRecord]>([
    ["a key", READ],
    ["a key of a revision", { ...READ, asked: 2, versions: [B] }],
    ["that there was no key at a revision", { ...READ, asked: 4, versions: [] }],
    ["keys of one state, each once", KEYS],
    ["all versions that are kept", HISTORY],
    [
      "all versions that were kept before the compaction",
      { ...HISTORY, versions: [D, GONE, B, A] },
    ],
    [
      "some versions, and where the rest begins",
      { ...HISTORY, limit: 1, versions: [D], resume: 4 },
    ],
    ["the versions from a revision on", { ...HISTORY, asked: 3, versions: [B] }],
  ])("%s", (_, record) => {
    judge(record);
  });

  test.each<[string, KeyReadRecord]>([
    ["the newest value in place of an old one", { ...READ, asked: 2, versions: [D] }],
    ["a value that was deleted by then", { ...READ, asked: 4, versions: [B] }],
    ["another version of a value", { ...READ, versions: [{ ...D, version: 2 }] }],
    ["another first revision of a value", { ...READ, versions: [{ ...D, create: 1 }] }],
    ["keys of two states", { ...KEYS, versions: [C, B] }],
    ["keys of another state than they say", { ...KEYS, state: 4 }],
    ["not all keys", { ...KEYS, versions: [D] }],
    ["no deletion", { ...HISTORY, versions: [D, B] }],
    ["an end too early", { ...HISTORY, versions: [D, GONE] }],
    ["more versions than were wanted", { ...HISTORY, limit: 2 }],
    ["a rest that passes one over", { ...HISTORY, limit: 1, versions: [D], resume: 2 }],
    ["a rest where there is none", { ...HISTORY, versions: [D, GONE, B, A], resume: 1 }],
    ["nothing at all, and a rest", { ...HISTORY, versions: [], resume: 5 }],
  ])("not %s", (_, record) => {
    expect(() => judge(record)).toThrow(/of no state/);
  });

  test("nothing older than what was seen before, unless the read is local", () => {
    const history = new History();
    const write = history.invoke(1, { kind: "write", key: "x", value: "d" });
    history.complete(write, { kind: "written", revision: 5 });
    const old = { ...READ, versions: [B] };
    expect(() => judge(old, history)).toThrow(/of no state 5..5/);
    judge({ ...old, local: true }, history);
  });

  test("nothing that was asked for later", () => {
    const history = new History();
    for (let mark = 0; mark < 20; mark++) history.mark();
    const write = history.invoke(1, { kind: "write", key: "x", value: "d" });
    history.complete(write, { kind: "written", revision: 5 });
    expect(() => judge(READ, history)).toThrow(/of no state 0..4/);
  });
});

describe("a manager is told of a setting", () => {
  const told = { name: "history 100 0", code: null, from: 1, to: 3 };

  test("that it holds, when it does", () => {
    checkToldSettings([told, { ...told, name: "compact 2", to: 4 }], log);
  });

  test.each([
    ["that it holds, when it is nowhere", { ...told, name: "history 7 0" }],
    ["that it holds, before it does at the node that was asked", { ...told, to: 2 }],
    ["that it holds, for what stood there already", { ...told, from: 3, to: 4 }],
    ["that it was refused, when it holds", { ...told, code: "BAD_REQUEST" }],
  ])("not %s", (_, wrong) => {
    expect(() => checkToldSettings([wrong], log)).toThrow(/the log says something else/);
  });
});
