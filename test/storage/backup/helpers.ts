import { BackupWriter } from "../../../src/storage/backup/format.ts";
import { KvState, type FrozenState } from "../../../src/store/index.ts";
import { open, run } from "../../store/helpers.ts";

/** Keys "key0", "key1", … with values of their number repeated, and two sessions. */
export function stateWith(keys: number, repetitions: number): KvState {
  const state = new KvState();
  const session = open(state, 1);
  open(state, 2);
  for (let i = 0; i < keys; i++) {
    run(
      state,
      session,
      i,
      { op: "write", key: `key${i}`, value: String(i).repeat(repetitions) },
      i,
    );
  }
  return state;
}

export function backupOf(state: KvState | FrozenState, pieceBytes: number): Buffer {
  const frozen = state instanceof KvState ? state.clone() : state;
  const { appliedIdx, revision, size } = frozen;
  const writer = new BackupWriter();
  const about = { appliedIdx, revision, keys: size, stateHash: frozen.hash() };
  const chunks = [
    writer.begin({
      ...{ clusterId: "old", nodeId: 1, ...about },
      ...{ takenAt: "2026-01-01T00:00:00.000Z", version: "0" },
    }),
  ];
  for (const piece of frozen.encodeSnapshot(pieceBytes)) chunks.push(writer.piece(piece));
  chunks.push(writer.end());
  return Buffer.concat(chunks);
}
