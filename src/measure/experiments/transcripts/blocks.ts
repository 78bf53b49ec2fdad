/** `console` blocks of a document, run anew: what is printed takes the place of what stands there, or is compared with it. */

export interface TypedLine {
  /** As it stands in the document, without its last space: `$`, `omnikv>`, `node1$`. */
  readonly prompt: string;
  /** Of several lines where the document goes on with `> `. */
  readonly text: string;
}

export interface Block {
  /** From 1, in the order of the document. */
  readonly number: number;
  readonly lines: readonly { readonly typed: TypedLine; readonly output: string }[];
}

const FENCED = /^(```console\n[^]*?^```$)/m;
const FENCE = "```console\n";
const CONTINUED = "> ";

/** @param prompt what a line begins with that was typed; its first group is the prompt */
export function blocksOf(document: string, prompt: RegExp): readonly Block[] {
  return document
    .split(FENCED)
    .filter((part) => part.startsWith(FENCE))
    .map((part, i) => ({ number: i + 1, lines: linesOf(part.slice(FENCE.length, -3), prompt) }));
}

function linesOf(block: string, prompt: RegExp): Block["lines"] {
  const lines: { typed: TypedLine; output: string }[] = [];
  for (const line of block.split("\n").slice(0, -1)) {
    const [typed, name] = prompt.exec(line) ?? [];
    const last = lines.at(-1);
    if (typed !== undefined && name !== undefined) {
      lines.push({ typed: { prompt: name, text: line.slice(typed.length) }, output: "" });
    } else if (last === undefined) {
      throw new Error(`a block begins with what nobody has typed: ${line}`);
    } else if (last.output === "" && line.startsWith(CONTINUED)) {
      const text = `${last.typed.text}\n${line.slice(CONTINUED.length)}`;
      lines[lines.length - 1] = { typed: { ...last.typed, text }, output: "" };
    } else {
      lines[lines.length - 1] = { ...last, output: `${last.output}${line}\n` };
    }
  }
  return lines;
}

/** The document with these blocks in the place of its own of the same numbers. */
export function withBlocks(document: string, blocks: readonly Block[]): string {
  let number = 0;
  const parts = document.split(FENCED).map((part) => {
    if (!part.startsWith(FENCE)) return part;
    number += 1;
    const block = blocks.find((candidate) => candidate.number === number);
    return block === undefined ? part : `${FENCE}${textOf(block)}\`\`\``;
  });
  return parts.join("");
}

function textOf({ lines }: Block): string {
  return lines
    .map(({ typed, output }) => {
      const text = typed.text.replaceAll("\n", `\n${CONTINUED}`);
      return `${typed.prompt} ${text}\n${output}`;
    })
    .join("");
}

/** @param run gives what is printed, without blanks at its end */
export async function runAnew(
  { number, lines }: Block,
  run: (typed: TypedLine) => Promise<string>,
): Promise<Block> {
  const done: { typed: TypedLine; output: string }[] = [];
  for (const { typed } of lines) {
    const output = (await run(typed)).trimEnd();
    done.push({ typed, output: output === "" ? "" : `${output}\n` });
  }
  return { number, lines: done };
}

/** Where two runs of one block differ in more than times, sizes, identities and who leads. A sentence each. */
export function differences(before: Block, after: Block): readonly string[] {
  return before.lines.flatMap(({ typed, output }, i) => {
    const now = after.lines[i]?.output ?? "";
    if (formOf(output) === formOf(now)) return [];
    const command = `block ${before.number}, ${typed.prompt} ${typed.text}`;
    return [`${command}\n  in the document:\n${indented(output)}\n  now:\n${indented(now)}`];
  });
}

function indented(text: string): string {
  return text === "" ? "    (nothing)" : text.trimEnd().replace(/^/gm, "    ");
}

/** What is left of an output when all is taken out that is another one in each run. */
export function formOf(output: string): string {
  return output
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z|\d{8}T\d{6}Z/g, "TIME")
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/g, "ID")
    .replace(/\d[\d.,]*(?: ?(?:ms|s|min|B|kB|MB|GB)\b)?/g, "N")
    .replace(/\b(?:leader|follower)\b/g, "ROLE")
    .replace(/[ \t]+/g, " ")
    .replace(/-{2,}/g, "--")
    .trim();
}
