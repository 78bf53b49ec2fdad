/** Of a failure of the whole cluster: which nodes had no part in it, at the end of its message. */
const MARK = "; no connection to ";
const STRANGERS_MARK = "; of another cluster, or begun anew: ";

/**
 * @param names "node 1 at 127.0.0.1:4101"
 * @param strangers likewise: there is a node, and its log is not that of the others
 */
export function withUnreached(
  message: string,
  names: readonly string[],
  strangers: readonly string[] = [],
): string {
  const ofOthers = strangers.length === 0 ? "" : `${STRANGERS_MARK}${strangers.join(", ")}`;
  return `${message}${ofOthers}${names.length === 0 ? "" : `${MARK}${names.join(", ")}`}`;
}

/** @returns their names, as one text; null: the message names none */
export function unreachedOf(message: string): string | null {
  const at = message.lastIndexOf(MARK);
  return at === -1 ? null : message.slice(at + MARK.length);
}

/** As `unreachedOf`, of those with another log. */
export function strangersOf(message: string): string | null {
  const at = message.lastIndexOf(STRANGERS_MARK);
  return at === -1 ? null : (message.slice(at + STRANGERS_MARK.length).split(MARK, 1)[0] ?? "");
}
