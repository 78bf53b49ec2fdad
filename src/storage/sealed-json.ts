/**
 * Small files of one line of JSON: `{"format":N,"crc":…,"content":…}`, readable, and yet protected against a flipped bit.
 * Marks stand behind the content, outside its checksum: single digits that are changed in place, which cannot be torn and
 * takes no room on the disk.
 */
import { crc32c } from "@node-rs/crc32";
import { z } from "zod";
import type { Disk } from "../machine/ports/index.ts";
import { StorageError } from "./storage-error.ts";
import { wayOutSentence } from "../base/index.ts";

const ONE = Buffer.from("1");

export function seal(
  format: number,
  content: unknown,
  marks: Readonly<Record<string, 0 | 1>> = {},
): Uint8Array {
  const crc = crc32c(JSON.stringify(content));
  return Buffer.from(`${JSON.stringify({ format, crc, content, ...marks })}\n`);
}

export interface Sealed {
  readonly format: number;
  readonly content: unknown;
  mark(name: string): boolean;
}

/**
 * @param formats those that can be read
 * @throws StorageError IDENTITY_DAMAGED, UNKNOWN_FORMAT
 */
export function unseal(disk: Disk, file: string, formats: readonly number[]): Sealed {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = z.looseObject({}).parse(JSON.parse(bytesOf(disk, file).toString("utf8")));
  } catch (cause) {
    throw identityDamaged(file, "it is not what this program writes", cause);
  }
  const { format, crc, content } = fields;
  if (typeof format !== "number") throw identityDamaged(file, "it has no format");
  if (!formats.includes(format)) {
    throw new StorageError(
      "UNKNOWN_FORMAT",
      `${file}: written in format ${format}, this program reads format ${formats.join(" and ")}; use the version of ` +
        `omnikv that wrote it`,
    );
  }
  if (content === undefined || crc !== crc32c(JSON.stringify(content))) {
    throw identityDamaged(file, "its checksum is wrong");
  }
  const mark = (name: string): boolean => checked(file, z.literal([0, 1]), fields[name]) === 1;
  return { format, content, mark };
}

/** Durable when it returns. */
export function setMark(disk: Disk, file: string, name: string): void {
  const label = `"${name}":`;
  const at = bytesOf(disk, file).lastIndexOf(label);
  if (at < 0) throw identityDamaged(file, `it has no mark ${name}`);
  disk.writeNow(file, at + label.length, ONE);
}

/** @throws StorageError IDENTITY_DAMAGED */
export function checked<V>(file: string, schema: z.ZodType<V>, value: unknown): V {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw identityDamaged(file, "a field is not what this program writes", result.error);
}

export function identityDamaged(file: string, what: string, cause?: unknown): StorageError {
  return new StorageError("IDENTITY_DAMAGED", `${file}: ${what}. ${wayOutSentence()}`, { cause });
}

function bytesOf(disk: Disk, file: string): Buffer {
  return Buffer.from(disk.read(file, 0, disk.size(file)));
}
