/** A name that fits no file would leave that file out of the gate, and say nothing. */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { GATE, LONGEST } from "./order.ts";

const FILES = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" });

test.each([...new Set([...GATE, ...LONGEST])])("%s is the name of one file", (name) => {
  expect(FILES.filter((file) => `/${file}`.endsWith(`/${name}.test.ts`))).toHaveLength(1);
});
