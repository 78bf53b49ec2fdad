/** Refusals in words: who refused, said once, and why. */
import { expect, test } from "vitest";
import { ERRORS, type KvError } from "../../../src/base/errors.ts";
import { createAnswerHandler, type AnswerReceiver } from "../../../src/client/core/answers.ts";

function told() {
  const errors: KvError[] = [];
  const ignore = (): void => {};
  const receiver: AnswerReceiver = {
    ...{ appliedIdx: ignore, origin: ignore, sessionOpened: ignore, openRefused: ignore },
    ...{ written: ignore, read: ignore },
    writeRefused: (_session, _number, error) => errors.push(error),
    readRefused: (_number, error) => errors.push(error),
  };
  return { handler: createAnswerHandler({ id: 2 }, receiver), errors };
}

test("a node that names itself is not named again, and another one is", () => {
  const { handler, errors } = told();
  for (const text of ["node 2 is full", "node 21 is full", "too many writes", ""]) {
    handler.unread(1, "OVERLOADED", text);
  }
  expect(errors.map(({ message }) => message)).toEqual([
    "node 2 is full",
    "node 2: node 21 is full",
    "node 2: too many writes",
    "node 2 answered OVERLOADED",
  ]);
});

test.each([63, 70, 255])(
  "an outcome %d that only a later version knows is not success",
  (status) => {
    const { handler, errors } = told();
    handler.write(1, 1, status, 7, undefined);
    expect(errors).toMatchObject([{ code: "INTERNAL", definite: false }]);
  },
);

test("a value that would become too long says what the limit is", () => {
  const { handler, errors } = told();
  handler.write(1, 1, ERRORS.VALUE_TOO_LARGE.wire, 7, undefined);
  expect(errors[0]).toMatchObject({
    code: "VALUE_TOO_LARGE",
    message:
      "node 2: the value would become longer than 1048576 bytes, the limit; nothing was changed",
  });
});
