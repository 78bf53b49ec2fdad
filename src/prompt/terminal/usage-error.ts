/** The typed words are no command: one line that says what is wrong and what to type instead. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
