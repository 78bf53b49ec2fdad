/** States that are alike by their hashes, and are not the same. */
import { expect, test } from "vitest";
import { ByteWriter } from "../../../src/base/index.ts";
import type { SessionName } from "../../../src/store/sessions/session-id.ts";
import {
  buildEntry,
  GroupWriter,
  hashedSessionName,
  KvState,
  SnapshotDecoder,
  type ByteString,
} from "../../../src/store/index.ts";
import { checkStates } from "../../../src/proof/simulator/state-check.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const nameAt = (idx: number): SessionName =>
  hashedSessionName("\0".repeat(16) as ByteString, idx, 0, 0);

function tagOf({ tag }: SessionName): Uint8Array {
  const out = new ByteWriter(4);
  out.u32(tag);
  return out.copy();
}

/** Two sessions; the one that was opened last is used first. */
function someEntries(): readonly Uint8Array[] {
  const open = (): Uint8Array => {
    const writer = new GroupWriter();
    writer.add(0, { kind: "openSession", nonce: new Uint8Array(16) });
    return writer.take(0, 0);
  };
  const write = (openedAt: number): Uint8Array => {
    const writer = new GroupWriter();
    writer.add(1, { kind: "write", key: bytes(`k${openedAt}`), value: bytes("v") });
    return writer.take(nameAt(openedAt).id, 0);
  };
  return [open(), open(), write(1), write(0)].map((group, i) =>
    buildEntry({ node: 1, nonce: 1, batch: i + 1 }, [group]),
  );
}

const entries = someEntries();

function stateOf(from = new KvState()): KvState {
  for (let idx = from.appliedIdx; idx < entries.length; idx++) {
    from.apply(entries[idx] ?? new Uint8Array(), idx);
  }
  return from;
}

/** @param change to its snapshot after so many entries */
function throughSnapshot(count: number, change: (snapshot: Buffer) => void): KvState {
  const before = new KvState();
  entries.slice(0, count).forEach((entry, idx) => before.apply(entry, idx));
  const snapshot = Buffer.concat([...before.clone().encodeSnapshot(1 << 20)]);
  change(snapshot);
  const decoder = new SnapshotDecoder();
  decoder.push(snapshot);
  while (decoder.step(Number.POSITIVE_INFINITY));
  return stateOf(decoder.finish());
}

test("nodes that came to the same state on different ways pass", () => {
  const whole = { index: 0, state: stateOf() };
  const loaded = { index: 1, state: throughSnapshot(3, () => {}) };
  checkStates([whole, loaded], entries);
  checkStates([whole, loaded], null);
});

test("a node whose state differs where no hash shows it is found, beside others and alone", () => {
  const state = throughSnapshot(3, (snapshot) => {
    // Behind its tag stand the session's floor, and when it was used last.
    const at = snapshot.indexOf(tagOf(nameAt(1))) + 5;
    expect(snapshot[at]).toBe(2);
    snapshot[at] = 1;
  });
  expect(state.hash()).toBe(stateOf().hash());
  const other = { index: 1, state };
  const text = /node 1 has another state at index 4 than the log gives/;
  expect(() => checkStates([other], entries)).toThrow(text);
  expect(() => checkStates([{ index: 0, state: stateOf() }, other], null)).toThrow(
    /node 1 has another state at index 4 than node 0/,
  );
});
