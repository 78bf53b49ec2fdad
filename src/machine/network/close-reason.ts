/** A close frame has room for 123 bytes of UTF-8. */
const REASON_BYTES_MAX = 120;

/** Cuts at a character, not within one. */
export function truncateReason(reason: string, bytesMax = REASON_BYTES_MAX): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= bytesMax) return reason;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}
