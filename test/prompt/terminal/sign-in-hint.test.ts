import { expect, test } from "vitest";
import { withSignInHint } from "../../../src/prompt/terminal/sign-in-hint.ts";
import { unknownText } from "../../../src/replica/requests/denied.ts";

test("who has not signed in is told how to do it in a shell; other texts stay", () => {
  expect(withSignInHint(unknownText(null))).toMatch(/nobody has signed in.*--user NAME/);
  const changed = unknownText({ name: "ann", generation: 1 });
  expect(withSignInHint(changed)).toBe(changed);
});
