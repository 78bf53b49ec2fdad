/** Of a failure of the whole cluster: which nodes there was no connection to, at the end of its message. */
const MARK = "; no connection to ";

/** @param names "node 1 at 127.0.0.1:4101" */
export function withUnreached(message: string, names: readonly string[]): string {
  return names.length === 0 ? message : `${message}${MARK}${names.join(", ")}`;
}

/** @returns their names, as one text; null: the message names none */
export function unreachedOf(message: string): string | null {
  const at = message.lastIndexOf(MARK);
  return at === -1 ? null : message.slice(at + MARK.length);
}
