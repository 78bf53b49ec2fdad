/** One EDN map a line: `{:process P, :type :invoke|:ok, :f :get|:put|:append, :key K, :value V}`. */
import { operationsOf, type HistoryEvent } from "./events-to-operations.ts";
import { HistoryFormatError } from "./history-format-error.ts";
import type { AppendInput, AppendOutput } from "./models.ts";
import type { Operation } from "./operation.ts";

const LINE =
  /^\{:process (\d+), :type :(invoke|ok|fail|info), :f :(get|put|append), :key "((?:[^"\\]|\\.)*)", :value (nil|"((?:[^"\\]|\\.)*)")\}$/;

export function isEdnHistory(text: string): boolean {
  return text.trimStart().startsWith("{:process");
}

/** @throws HistoryFormatError */
export function parseEdnHistory(text: string): Operation<AppendInput, AppendOutput>[] {
  const events: HistoryEvent<AppendInput, AppendOutput>[] = [];
  text.split("\n").forEach((content, index) => {
    if (content.trim() === "") return;
    const line = index + 1;
    const match = LINE.exec(content.trim());
    if (match === null) {
      const expected = "{:process P, :type :invoke, :f :get, :key K, :value V}";
      throw new HistoryFormatError(line, `expected ${expected}, got ${content.slice(0, 80)}`);
    }
    const [, process = "", kind = "", op = "", key = "", , value = ""] = match;
    const input: AppendInput =
      op === "get"
        ? { op, key }
        : { op: op === "put" ? "put" : "append", key, value: unescape(value) };
    const output = op === "get" ? unescape(value) : "";
    events.push({ line, process, kind: kind as "invoke", input, output });
  });
  return operationsOf(events);
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => {
    if (character === "n") return "\n";
    return character === "t" ? "\t" : character;
  });
}
