/** Files of secrets: who may read them, and how much chance must be in what they hold. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { secretBits, SECRET_BITS_MIN } from "../../../src/base/secret-chance.ts";
import { readSecretFile } from "../../../src/server/config/secret-file.ts";

const directory = mkdtempSync(join(tmpdir(), "omnikv-secrets-"));
afterAll(() => rmSync(directory, { recursive: true }));

const GOOD = "0123456789abcdef0123456789abcdee";
const OTHER = "fedcba9876543210fedcba9876543211";

function fileWith(content: string | Uint8Array, mode = 0o600): string {
  const path = join(directory, randomBytes(4).toString("hex"));
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe("a file of secrets", () => {
  test("holds one a line, without white space around it; the first comes first", () => {
    expect(readSecretFile(fileWith(`  ${GOOD} \n`))).toEqual([GOOD]);
    expect(readSecretFile(fileWith(`\n${OTHER}\r\n\n${GOOD}`))).toEqual([OTHER, GOOD]);
    expect(() => readSecretFile(fileWith("\n \n"))).toThrow(
      /holds no secret: `omnikv secret FILE`/,
    );
    expect(() => readSecretFile(fileWith(`${GOOD}\n`.repeat(9)))).toThrow("has 9 lines");
  });

  test("that others can read is refused, with what to type", () => {
    for (const mode of [0o666, 0o640, 0o604]) {
      const path = fileWith(GOOD, mode);
      expect(() => readSecretFile(path)).toThrow(
        `(mode 0${mode.toString(8)}), a secret must not be: chmod 600 ${path}`,
      );
    }
    expect(readSecretFile(fileWith(GOOD, 0o400))).toEqual([GOOD]);
  });

  test("is text, or two nodes might read different secrets from the same file", () => {
    const path = fileWith(Buffer.from([0xff, 0xfe, 0xfd, 1, 2, 3, 4, 5, 6, 7, 8]));
    expect(() => readSecretFile(path)).toThrow("no UTF-8");
  });

  test("has no comments: they would be secrets", () => {
    const path = fileWith(`# made on the third of May, to be changed in a year or two\n${GOOD}\n`);
    const said = `line 1 of ${path} that is not empty begins with #: there are no comments`;
    expect(() => readSecretFile(path)).toThrow(said);
  });

  test("with too little chance is refused, each of them, and not printed", () => {
    const weak = () => readSecretFile(fileWith(`${GOOD}\nhunter2-hunter2\n`), "--peer-secret-file");
    expect(weak).toThrow(
      /^--peer-secret-file: secret 2 in .* has room for \d+ bits of chance at most/,
    );
    expect(weak).toThrow("`omnikv secret FILE` makes a file with a good one");
    expect(weak).not.toThrow("hunter2");
  });
});

describe("chance", () => {
  test.each([
    ["32 hexadecimal digits, as openssl rand -hex 16 gives", randomBytes(16).toString("hex")],
    ["the same in capitals", randomBytes(16).toString("hex").toUpperCase()],
    ["22 letters and digits", "bK7dQ2mXz81LpWv4TnRy0c"],
    ["base64, as openssl rand -base64 16 gives", "9fVqk1xmZ0uT2c/7dYwB3Q=="],
    ["26 characters of base32", "mfrggzdfmztwq2lknnwg23tpob"],
    ["ten different words of a list", "acid bald clay dusk echo flaw grit hush iron jolt"],
  ])("enough: %s", (_, text) => expect(secretBits(text)).toBeGreaterThanOrEqual(SECRET_BITS_MIN));

  test.each([
    ["eight characters", "aB3$xY7!"],
    ["31 hexadecimal digits", "0123456789abcdef0123456789abcde"],
    ["digits alone", "493028475610293847561029384756102938".slice(0, 38)],
    ["a sentence", "correct horse battery staple"],
    ["a sentence with other signs between", "correct-horse-battery-staple-again"],
    ["ten letters with signs between", "a-b-c-d-e-f-g-h-i-j"],
    ["ten words of two letters", "ab cd ef gh ij kl mn op qr st"],
    ["one word again and again", "horse horse horse horse horse horse horse horse horse horse"],
    ["one character, however often", "a".repeat(500)],
    ["a short text, however often", "aB3$xY7!".repeat(20)],
  ])("not enough: %s", (_, text) => expect(secretBits(text)).toBeLessThan(SECRET_BITS_MIN));
});
