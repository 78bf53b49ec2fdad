/** Files that must stay private: secrets, one a line, and private keys. */
import { KvError, SECRET_BITS_MIN, secretBits } from "../../base/index.ts";
import { FILE_MAX, readRegularFile } from "./regular-file.ts";

/** More are a mistake: a rotation needs two. */
export const SECRETS_MAX = 8;

/**
 * The secrets in a file, one a line, without white space around them; empty lines do not count. The server proves the first one
 * to others, and accepts all of them. Any reader of the file gets what a secret permits, so the server refuses a file that other users
 * can read, as ssh does with its keys.
 * @throws KvError BAD_REQUEST that names the flag and the file, and never shows what is in it
 */
export function readSecretFile(path: string, flag = "--secret-file"): readonly string[] {
  const bytes = readPrivateFile(path, flag, "a secret", FILE_MAX.secrets);
  const text = utf8(bytes);
  if (text === undefined) {
    throw refused(flag, `expected text in ${path}, got bytes that are no UTF-8`);
  }
  const secrets = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const made = `\`omnikv secret FILE\` makes a file with a good one`;
  if (secrets.length === 0) throw refused(flag, `${path} holds no secret: ${made}`);
  if (secrets.length > SECRETS_MAX) {
    const got = `${path} has ${secrets.length} lines`;
    throw refused(flag, `${got}, each of which would be a secret: expected at most ${SECRETS_MAX}`);
  }
  for (const [i, secret] of secrets.entries()) {
    if (secret.startsWith("#")) {
      const text = `line ${i + 1} of ${path} that is not empty begins with #: there are no comments, it would be a secret`;
      throw refused(flag, `${text}; take it out`);
    }
    const bits = secretBits(secret);
    if (bits >= SECRET_BITS_MIN) continue;
    const which = secrets.length === 1 ? `the secret in ${path}` : `secret ${i + 1} in ${path}`;
    const measure = `${which} has room for ${bits} bits of chance at most, by its length and its alphabet`;
    throw refused(
      flag,
      `${measure}: below ${SECRET_BITS_MIN} it could be guessed by whoever overhears a handshake; ${made}`,
    );
  }
  return secrets;
}

/**
 * @param what "a secret", "a private key"
 * @throws KvError BAD_REQUEST when it cannot be read, or others can
 */
export function readPrivateFile(
  path: string,
  flag: string,
  what: string,
  maxBytes: number = FILE_MAX.pem,
): Uint8Array {
  const { bytes, mode } = readRegularFile(path, flag, maxBytes);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    const bits = mode.toString(8).padStart(4, "0");
    throw refused(
      flag,
      `${path} is open to others (mode ${bits}), ${what} must not be: chmod 600 ${path}`,
    );
  }
  return bytes;
}

function refused(flag: string, text: string): KvError {
  return new KvError("BAD_REQUEST", `${flag}: ${text}`);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
