/** 0: no colour. 1: 16 colours. 2: 256. 3: true colour. As chalk counts them. */
export type ColorLevel = 0 | 1 | 2 | 3;

/**
 * How much colour to use. FORCE_COLOR decides when it is set ("0" or "false": none; "1" to "3": that level; else 1);
 * then NO_COLOR (set and not empty: none); then whether the stream is a terminal and which. chalk 5 does not know NO_COLOR.
 */
export function colorLevel(
  env: Readonly<Record<string, string | undefined>>,
  isTTY: boolean,
): ColorLevel {
  const force = env["FORCE_COLOR"];
  if (force !== undefined) {
    if (force === "0" || force === "false") return 0;
    if (force === "2") return 2;
    return force === "3" ? 3 : 1;
  }
  const noColor = env["NO_COLOR"];
  if (noColor !== undefined && noColor !== "") return 0;
  const term = env["TERM"] ?? "";
  if (!isTTY || term === "dumb") return 0;
  const colorTerm = env["COLORTERM"];
  if (colorTerm === "truecolor" || colorTerm === "24bit") return 3;
  return term.endsWith("256color") ? 2 : 1;
}
