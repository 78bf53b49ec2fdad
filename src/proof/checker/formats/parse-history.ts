/** All formats of histories behind one function. */
import { HistoryFormatError } from "../errors.ts";
import type { ModelName } from "../models.ts";
import type { History } from "../operation.ts";
import { isEdn, parseEdn } from "./edn.ts";
import { isJepsenLog, parseJepsenLog } from "./jepsen-log.ts";
import { isJsonLines, parseJsonLines } from "./json-lines.ts";
import { excerpt, linesOf } from "./lines.ts";

/** The formats in which histories can be read. */
export const FORMAT_NAMES = ["jsonl", "jepsen", "edn"] as const;
/** One of them (docs/history-format.md). */
export type FormatName = (typeof FORMAT_NAMES)[number];

/** A history with what its file said of it. */
export interface ParsedHistory extends History {
  readonly format: FormatName;
  /** What such histories are usually judged by. */
  readonly model: ModelName;
}

/**
 * Reads a history of any format that is known.
 *
 * @param format "auto" decides by the first line
 * @throws HistoryFormatError
 */
export function parseHistory(text: string, format: FormatName | "auto" = "auto"): ParsedHistory {
  const name = format === "auto" ? detectFormat(text) : format;
  switch (name) {
    case "jsonl":
      return { ...parseJsonLines(text), format: name, model: "kv" };
    case "jepsen":
      return { ...parseJepsenLog(text), format: name, model: "register" };
    case "edn":
      return { ...parseEdn(text), format: name };
    default:
      throw new TypeError(`format: expected ${FORMAT_NAMES.join(", ")} or auto`);
  }
}

function detectFormat(text: string): FormatName {
  for (const [content, line] of linesOf(text)) {
    if (isJsonLines(content)) return "jsonl";
    if (isJepsenLog(content)) return "jepsen";
    if (isEdn(content)) return "edn";
    const expected =
      'a JSON object with fields, "INFO jepsen.util - …", "{:process …" or "[{:process …"';
    throw new HistoryFormatError(
      "UNKNOWN_FORMAT",
      line,
      `expected ${expected}, got ${excerpt(content)}`,
    );
  }
  throw new HistoryFormatError("UNKNOWN_FORMAT", 1, "the history is empty");
}
