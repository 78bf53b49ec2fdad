import { textOf } from "./tokenize.ts";

/** Text where the bytes are text; else NAMEBase64. */
export function bytesField(name: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  const text = textOf(bytes);
  return text === null
    ? { [`${name}Base64`]: Buffer.from(bytes).toString("base64") }
    : { [name]: text };
}
