/** The judge must be able to say no: histories with one thing wrong in each. */
import { describe, expect, test } from "vitest";
import {
  buildEntry,
  GroupWriter,
  hashedSessionName,
  type ByteString,
} from "../../../src/store/index.ts";
import { checkHistory } from "../../../src/proof/simulator/checker-view.ts";
import { Coverage } from "../../../src/proof/simulator/coverage.ts";
import { DecidedLog } from "../../../src/proof/simulator/decided-log.ts";
import {
  History,
  type ClientOperation,
  type Outcome,
} from "../../../src/proof/simulator/history.ts";
import { checkAgainstLog } from "../../../src/proof/simulator/log-check.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** x=a at revision 1, x=b at 2, x deleted at 3, y=c at 4; the first command stands in the log twice. */
function someLog(): DecidedLog {
  const open = new GroupWriter();
  open.add(0, { kind: "openSession", nonce: new Uint8Array(16) });
  const first = new GroupWriter();
  first.add(1, { kind: "write", key: bytes("x"), value: bytes("a") });
  const entryOf = (writer: GroupWriter, session: number): Uint8Array =>
    buildEntry({ node: 1, nonce: 1, batch: 1 }, [writer.take(session, 0)]);
  const opened = entryOf(open, 0);
  const session = hashedSessionName("\0".repeat(16) as ByteString, 0, 0, 0).id;
  const a = entryOf(first, session);
  const rest = new GroupWriter();
  rest.add(2, { kind: "write", key: bytes("x"), value: bytes("b") });
  rest.add(3, { kind: "delete", key: bytes("x") });
  rest.add(4, { kind: "write", key: bytes("y"), value: bytes("c") });
  return new DecidedLog([opened, a, a, entryOf(rest, session)]);
}

const WRITE_A: ClientOperation = { kind: "write", key: "x", value: "a" };
const WRITE_B: ClientOperation = { kind: "write", key: "x", value: "b" };
const READ: ClientOperation = { kind: "read", key: "x", local: false };
const LOCAL: ClientOperation = { kind: "read", key: "x", local: true };
const FOUND_A: Outcome = { kind: "found", value: "a", revision: 1 };
const FOUND_B: Outcome = { kind: "found", value: "b", revision: 2 };

type Step = readonly [client: number, operation: ClientOperation, outcome: Outcome];

/** One after the other. */
function historyOf(steps: readonly Step[]): History {
  const history = new History();
  for (const [client, operation, outcome] of steps) {
    history.complete(history.invoke(client, operation), outcome);
  }
  return history;
}

function judge(...steps: readonly Step[]): void {
  const { operations } = historyOf(steps);
  checkAgainstLog(operations, someLog());
  checkHistory(operations, new Coverage());
}

test("a command that stands in the log twice counts once", () => {
  expect(someLog().changes.map(({ value }) => value)).toEqual(["a", "b", null, "c"]);
});

describe("fits", () => {
  test("what the log says", () => {
    const fitting: Step[] = [
      [0, WRITE_A, { kind: "written", revision: 1 }],
      [1, READ, FOUND_A],
      [0, WRITE_B, { kind: "written", revision: 2 }],
      [1, LOCAL, FOUND_A],
      [1, READ, FOUND_B],
      [1, LOCAL, FOUND_B],
      [2, LOCAL, { kind: "notFound" }],
    ];
    expect(() => judge(...fitting)).not.toThrow();
  });

  test("an unknown outcome, whether it happened or not", () => {
    const maybe: Step[] = [
      [0, WRITE_A, { kind: "unknown" }],
      [0, { ...WRITE_A, value: "z" }, { kind: "unknown" }],
    ];
    expect(() => judge(...maybe)).not.toThrow();
  });
});

describe("does not fit", () => {
  const wrong: [string, RegExp, Step[]][] = [
    [
      "an acknowledged write that is lost",
      /another change/,
      [[0, { ...WRITE_A, value: "z" }, { kind: "written", revision: 2 }]],
    ],
    ["a refused write that happened", /nevertheless/, [[0, WRITE_A, { kind: "refused" }]]],
    [
      "a read that goes back",
      /was seen before/,
      [
        [0, READ, FOUND_B],
        [1, READ, FOUND_A],
      ],
    ],
    [
      "a read that misses what was acknowledged",
      /was seen before/,
      [
        [0, WRITE_B, { kind: "written", revision: 2 }],
        [1, READ, FOUND_A],
      ],
    ],
    ["a read of what never was", /never true/, [[0, READ, { ...FOUND_A, value: "z" }]]],
    [
      "a local read older than its client has seen",
      /was seen before/,
      [
        [0, READ, FOUND_B],
        [0, LOCAL, FOUND_A],
      ],
    ],
    [
      "a failed cas on a value that was not there",
      /never true/,
      [
        [
          0,
          { kind: "cas", key: "x", expected: { kind: "absent" }, value: "q" },
          { kind: "casFailed", actual: "b", revision: 1 },
        ],
      ],
    ],
    [
      "a delete that found nothing where something was",
      /was seen before/,
      [
        [0, { kind: "write", key: "y", value: "c" }, { kind: "written", revision: 4 }],
        [0, { kind: "delete", key: "y" }, { kind: "missing" }],
      ],
    ],
  ];
  test.each(wrong)("%s", (_, message, steps) => {
    expect(() => checkAgainstLog(historyOf(steps).operations, someLog())).toThrow(message);
  });
});

describe("without the log the checkers say no too", () => {
  test("to a read that goes back", () => {
    const { operations } = historyOf([
      [0, WRITE_A, { kind: "written", revision: 1 }],
      [0, WRITE_B, { kind: "written", revision: 2 }],
      [1, READ, FOUND_A],
    ]);
    expect(() => checkHistory(operations, new Coverage())).toThrow(/not linearizable/);
  });

  test("to a local read that goes back", () => {
    const { operations } = historyOf([
      [0, WRITE_A, { kind: "written", revision: 1 }],
      [0, WRITE_B, { kind: "written", revision: 2 }],
      [1, LOCAL, FOUND_B],
      [1, LOCAL, FOUND_A],
    ]);
    expect(() => checkHistory(operations, new Coverage())).toThrow(/session guarantee/);
  });
});
