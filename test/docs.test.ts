/** What the README claims about error codes is what the code says, in both directions. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERRORS } from "../src/base/errors.ts";

test("the README's table of errors is the table of errors", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| (yes|no) +\| (yes|no) +\|/gm)];
  const documented = rows.map(([, code, definite, retry]) => ({
    code,
    definite: definite === "yes",
    retryable: retry === "yes",
  }));
  const actual = Object.entries(ERRORS).map(([code, { definite, retryable }]) => ({
    code,
    definite,
    retryable,
  }));
  expect(documented).toEqual(actual);
});
