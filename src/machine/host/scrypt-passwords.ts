/**
 * Passwords by scrypt (RFC 7914), in the threads of Node.js.
 *
 *     hash := "scrypt$" log2 N "$" r "$" p "$" salt "$" key      (both in base64)
 */
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";
import type { Passwords } from "../ports/index.ts";

/** Some 50 ms and 16 MiB. */
const LOG2_N = 14;
const BLOCKS = 8;
const PARALLEL = 1;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** A hash from elsewhere must not ask for more. */
const LOG2_N_MAX = 17;
const MEMORY_MAX = 256 * 1024 * 1024;
const HASH =
  /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]{1,64})\$([A-Za-z0-9+/=]{1,88})$/;

export const scryptPasswords: Passwords = {
  hash: (password, done) => {
    const salt = randomBytes(SALT_BYTES);
    derive(password, salt, KEY_BYTES, LOG2_N, BLOCKS, PARALLEL, (key) => {
      if (key === null) return done(null);
      const parts = [LOG2_N, BLOCKS, PARALLEL, salt.toString("base64"), key.toString("base64")];
      done(`scrypt$${parts.join("$")}`);
    });
  },
  verify: (password, hash, done) => {
    const match = HASH.exec(hash);
    const [, log2N = "", blocks = "", parallel = "", salt = "", wanted = ""] = match ?? [];
    if (match === null || Number(log2N) > LOG2_N_MAX) {
      setImmediate(() => done(false));
      return;
    }
    const key = Buffer.from(wanted, "base64");
    const costs = [Number(log2N), Number(blocks), Number(parallel)] as const;
    derive(password, Buffer.from(salt, "base64"), key.length, ...costs, (derived, isPossible) =>
      done(
        derived === null && isPossible ? null : derived !== null && timingSafeEqual(derived, key),
      ),
    );
  },
  wallMs: () => Date.now(),
};

function derive(
  password: string,
  salt: Buffer,
  bytes: number,
  log2N: number,
  blocks: number,
  parallel: number,
  done: (key: Buffer | null, isPossible: boolean) => void,
): void {
  const options: ScryptOptions = { N: 2 ** log2N, r: blocks, p: parallel, maxmem: MEMORY_MAX };
  try {
    scrypt(password.normalize("NFKC"), salt, bytes, options, (error, key) =>
      done(error === null ? key : null, true),
    );
  } catch {
    // scrypt does not take these costs.
    setImmediate(() => done(null, false));
  }
}
