/** Rows as lines for people, and as JSON. */
import type { Row } from "./row.ts";
import { endings } from "./verdict.ts";

const SENTENCE_MAX = 110;

export function lineOf({ group, name, size, outcome, facts, ms }: Row): string {
  const head = `${(ms / 1000).toFixed(1).padStart(5)} s  ${size}  ${group}: ${name}`;
  const notes = facts.notes.map((note) => `\n           (${note})`).join("");
  return `${head}\n           ${outcomeText(outcome)} [${endings(facts).join(", ")}]${notes}`;
}

function outcomeText(outcome: Row["outcome"]): string {
  switch (outcome.kind) {
    case "nothing lost":
      return "nothing lost";
    case "refused":
      return `refused: ${firstSentence(outcome.by.text, SENTENCE_MAX)} → ${outcome.after}`;
    case "SILENT":
    case "FALSE ALARM":
    case "NO WAY OUT":
    case "NOT PLAYED":
      return `${outcome.kind}: ${outcome.what}`;
  }
}

export function jsonOf({ facts, ...row }: Row): string {
  return JSON.stringify({ ...row, facts });
}

/** Cut behind a word when it is longer. */
export function firstSentence(text: string, longest: number): string {
  const end = /\. [A-Z]/.exec(text)?.index ?? text.length;
  const first = text.slice(0, end);
  if (first.length <= longest) return first;
  return `${first.slice(0, longest).replace(/[\s,:;]*\S*$/, "")} …`;
}
