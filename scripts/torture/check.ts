/** The checker's word on what was noted. */
import {
  checkLinearizable,
  kvModel,
  type KvInput,
  type KvOutput,
  type Operation,
} from "../../src/checker/index.ts";
import type { Noted } from "./load.ts";

export function checkNotes(notes: readonly Noted[]): { verdict: string; text: string } {
  const startedMs = performance.now();
  const operations = notes.flatMap((note, id): Operation<KvInput, KvOutput>[] => {
    if (note.outcome === "failed") return [];
    const { process, key, op, value = "", expected = null, call } = note;
    const input: KvInput =
      op === "read" || op === "delete"
        ? { op, key }
        : op === "write"
          ? { op, key, value }
          : { op, key, expected, value };
    const known = note.outcome === "ok";
    const seen = op === "read" || (op === "cas" && note.swapped === false);
    const output: KvOutput = seen
      ? { found: note.result ?? null }
      : { done: true, ...(note.existed === undefined ? {} : { existed: note.existed }) };
    return [
      {
        id,
        process,
        input,
        output: known ? output : null,
        call,
        return: known ? (note.return ?? Infinity) : Infinity,
      },
    ];
  });
  const result = checkLinearizable(kvModel, operations, {
    now: () => performance.now(),
    timeLimitMs: 120_000,
  });
  const bad = result.parts.filter(({ verdict }) => verdict !== "ok");
  const ms = Math.round(performance.now() - startedMs);
  const parts = `${result.parts.length} keys`;
  const text =
    bad.length === 0
      ? `linearizable: ${operations.length} operations on ${parts}, checked in ${ms} ms`
      : `NOT linearizable (${result.verdict}): ${bad.map(({ part }) => part).join(", ")}`;
  return { verdict: result.verdict, text };
}
