/** The lines of a stream of text, for commands that read files: they refuse bytes that are no text, and lines without an end. */
import { UsageError } from "./usage-error.ts";

/** More than any key and value take, with every byte written as an escape. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;
const NEWLINE = 0x0a;
/** How bytes that are no UTF-8 are written at a prompt. */
export const AS_ESCAPES = 'as "\\xHH"';

/**
 * Without their ends, of either kind.
 * @param otherBytes how bytes that are no UTF-8 are written there
 * @throws UsageError at a line that is no UTF-8, which would be read as another text, or longer than any right line
 */
export async function* textLines(
  stream: AsyncIterable<Uint8Array>,
  otherBytes: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let pieces: Uint8Array[] = [];
  let length = 0;
  const line = (): string => {
    const bytes = Buffer.concat(pieces);
    pieces = [];
    length = 0;
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      throw new UsageError(`this is no UTF-8: other bytes are written ${otherBytes}`);
    }
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  };
  for await (const chunk of stream) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      pieces.push(chunk.subarray(start, end < 0 ? chunk.length : end));
      length += (end < 0 ? chunk.length : end) - start;
      if (length > LINE_BYTES_MAX) {
        throw new UsageError(`this line is longer than ${LINE_BYTES_MAX} bytes`);
      }
      if (end < 0) break;
      yield line();
      start = end + 1;
    }
  }
  if (length > 0) yield line();
}
