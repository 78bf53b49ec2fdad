/** An outcome as text: results on one stream, what only says something of them perhaps on another. */
import type { Writable } from "node:stream";
import { terminalText } from "../../base/index.ts";
import type { Outcome } from "./outcome.ts";
import { isTerminal } from "./screen.ts";

/** For a person, who sees all of it. */
export function wholeText({ text, footer }: Outcome): string {
  return [text, footer?.text ?? ""].filter((part) => part !== "").join("\n");
}

/** Results go to `output`. What only says something of them goes there when that is a terminal: a script counts its lines. */
export function writeResult(outcome: Outcome, output: Writable, errors: Writable): void {
  const { text, footer } = outcome;
  if (footer === undefined || isTerminal(output)) {
    output.write(`${terminalText(wholeText(outcome))}\n`);
    return;
  }
  if (text !== "") output.write(`${terminalText(text)}\n`);
  errors.write(`${terminalText(footer.text)}\n`);
}
