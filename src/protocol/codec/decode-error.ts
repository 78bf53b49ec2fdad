/** What arrived is not what the format allows: truncated, out of range, of another version, or garbage. The sender's fault. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}
