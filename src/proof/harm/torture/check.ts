/** The checker's word on what was noted. */
import {
  checkLinearizable,
  createOperation,
  kvModel,
  type Answer,
  type Operation,
  type Request,
} from "../../checker/index.ts";
import type { Noted } from "./load.ts";

export function checkNotes(notes: readonly Noted[]): { verdict: string; text: string } {
  const startedMs = performance.now();
  const operations = notes.map(operationOf);
  const result = checkLinearizable(
    kvModel,
    { operations, unit: "us" },
    { now: () => performance.now(), timeLimitMs: 120_000, stopAtViolation: false },
  );
  const bad = result.partitions.filter(({ verdict }) => verdict !== "ok");
  const ms = Math.round(performance.now() - startedMs);
  const text =
    bad.length === 0
      ? `linearizable: ${operations.length} operations on ${result.partitions.length} keys, checked in ${ms} ms`
      : `NOT linearizable (${result.verdict}): ${bad.map(({ key }) => key).join(", ")}`;
  return { verdict: result.verdict, text };
}

function operationOf(note: Noted, id: number): Operation {
  const { process, key, call, outcome, revision } = note;
  return createOperation({
    id,
    process,
    key,
    request: requestOf(note),
    outcome: outcome === "failed" ? "fail" : outcome,
    answer: outcome === "ok" ? answerOf(note) : null,
    call,
    end: outcome === "unknown" ? Infinity : (note.return ?? Infinity),
    revision: outcome === "ok" ? (revision ?? null) : null,
  });
}

function requestOf({ op, value = "", expected = null }: Noted): Request {
  if (op === "read" || op === "delete") return { kind: op };
  if (op === "write") return { kind: op, value };
  return {
    kind: op,
    value,
    expected: expected === null ? { kind: "absent" } : { kind: "value", value: expected },
  };
}

function answerOf({ op, result, swapped, existed }: Noted): Answer {
  if (op === "read") return { kind: "value", value: result ?? null };
  if (op === "delete") return { kind: "deleted", existed: existed ?? null };
  if (op === "write") return { kind: "done" };
  return swapped === false
    ? { kind: "cas", swapped, actual: result ?? null }
    : { kind: "cas", swapped: true, actual: undefined };
}
