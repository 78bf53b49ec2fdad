/** Histories with revisions: etcd's reports, as they are and with one thing wrong. */
import { describe, expect, test } from "vitest";
import {
  checkStore,
  isEtcdReport,
  parseEtcdReports,
  type StoreResult,
} from "../../../src/proof/checker/index.ts";
import { repetitions } from "../../repetitions.ts";
import { generateReports, linesOf, type Reports } from "./etcd-reports.ts";

function check({ operations, watch }: Reports, withWatch = true, isWhole = true): StoreResult {
  const files = [{ name: "client-1/operations.json", text: linesOf(operations) }];
  if (withWatch) files.push({ name: "client-2/watch.json", text: linesOf([watch]) });
  return checkStore(parseEtcdReports(files, isWhole));
}

const SMALL = { operations: 300, clients: 8, keys: 12, lostPerMille: 20 };

test("what a store did is explained, with and without its watch, also when answers were lost", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const reports = generateReports({ seed, ...SMALL });
    for (const withWatch of [true, false]) {
      const { verdict, anomalies } = check(reports, withWatch);
      expect(verdict, `seed ${seed}: ${anomalies[0]?.text}`).toBe("ok");
    }
    const part = { ...reports, operations: reports.operations.filter((_, i) => i % 3 === 0) };
    const { verdict, anomalies } = check(part, false, false);
    expect(verdict, `part of seed ${seed}: ${anomalies[0]?.text}`).toBe("ok");
  }
});

type Told = Record<string, unknown> & {
  Output: { Revision: number; Range?: Range; Txn?: { Failure: boolean; Results: Range[] } };
  Call: number;
  Return: number;
  Input: { Type: string; Range?: { End: string } };
};
interface Range {
  KVs: { Key: string; Value: { Value: string }; ModRevision: number }[] | null;
  Count: number;
  Deleted?: number;
}

/** Every one of these is noticed, wherever in the history it is. */
const WRONG: readonly [string, (told: Told) => boolean][] = [
  [
    "an older value",
    ({ Output: { Range: range } }) => {
      const kv = range?.KVs?.[0];
      if (kv === undefined) return false;
      kv.Value = { Value: "0" };
      return true;
    },
  ],
  [
    "another revision of a key",
    ({ Output: { Range: range } }) => {
      const kv = range?.KVs?.[0];
      if (kv === undefined) return false;
      kv.ModRevision -= 1;
      return true;
    },
  ],
  [
    "a range that misses a key",
    ({ Input, Output: { Range: range } }) => {
      if (
        (Input.Range?.End ?? "") === "" ||
        range?.KVs === undefined ||
        (range.KVs?.length ?? 0) < 2
      )
        return false;
      range.KVs?.splice(0, 1);
      return true;
    },
  ],
  [
    "a wrong number of keys",
    ({ Output: { Range: range } }) => {
      if (range === undefined) return false;
      range.Count += 1;
      return true;
    },
  ],
  [
    "else instead of then",
    ({ Output: { Txn: txn } }) => {
      if (txn === undefined || txn.Failure) return false;
      txn.Failure = true;
      return true;
    },
  ],
  [
    "nothing was there to delete",
    ({ Output: { Txn: txn } }) => {
      const result = txn?.Results.find(({ Deleted }) => Deleted === 1);
      if (result === undefined) return false;
      result.Deleted = 0;
      return true;
    },
  ],
  [
    "a read of the past",
    (told) => {
      if (told.Output.Range === undefined) return false;
      told.Output.Revision -= 60;
      return true;
    },
  ],
];

test.each(WRONG)("%s", (_, spoil) => {
  for (let seed = 1; seed <= 8; seed++) {
    const reports = generateReports({ seed, ...SMALL, lostPerMille: 0 });
    const told = reports.operations.slice(-150) as unknown as Told[];
    expect(told.some(spoil)).toBe(true);
    expect(check(reports).verdict, `seed ${seed}`).toBe("violation");
    if (seed > 3) expect(check(reports, false).verdict, `seed ${seed}`).toBe("violation");
  }
});

test("a write that was acknowledged is gone; nobody took its revision", () => {
  const reports = generateReports({ seed: 3, ...SMALL, lostPerMille: 0 });
  const at = reports.operations.findIndex(
    (each) => (each["Input"] as Told["Input"]).Type === "txn" && (each["Call"] as number) > 100_000,
  );
  const operations = reports.operations.toSpliced(at, 1);
  const texts = check({ ...reports, operations }, false).anomalies.map(({ text }) => text);
  expect(texts[0]).toMatch(/revision: nobody took revision \d+/);
  expect(check({ ...reports, operations }, false, false).verdict).toBe("ok");
});

describe("watches", () => {
  interface Response {
    Events: { Revision: number; Key: string; IsCreate: boolean; PrevValue: unknown }[] | null;
    IsProgressNotify: boolean;
    Revision: number;
  }
  const spoilt: readonly [string, RegExp, (responses: Response[]) => void][] = [
    ["a gap", /is missing between revisions/, (responses) => responses.splice(40, 1)],
    [
      "out of order",
      /not ordered/,
      (responses) => responses.splice(40, 2, ...responses.slice(40, 42).toReversed()),
    ],
    [
      "twice",
      /came in two parts|came twice/,
      (responses) => responses.splice(40, 0, ...responses.slice(40, 41)),
    ],
    [
      "the first ones are missing",
      /is missing between revisions/,
      (responses) => responses.splice(0, 3),
    ],
    [
      "after a notice of progress",
      /after a notice of progress/,
      (responses) =>
        responses.splice(40, 0, {
          Events: null,
          IsProgressNotify: true,
          Revision: responses[40]?.Revision ?? 0,
        }),
    ],
    [
      "in two parts",
      /came in two parts/,
      (responses) => {
        const at = responses.findIndex(({ Events }) => (Events?.length ?? 0) > 1);
        const whole = responses[at];
        if (whole === undefined) return;
        const [first, ...rest] = whole.Events ?? [];
        if (first !== undefined)
          responses.splice(at, 1, { ...whole, Events: [first] }, { ...whole, Events: rest });
      },
    ],
    [
      "a wrong previous value",
      /was there before/,
      (responses) => {
        const event = responses
          .flatMap(({ Events }) => Events ?? [])
          .find(({ PrevValue }) => PrevValue !== null);
        if (event !== undefined) event.PrevValue = null;
      },
    ],
    [
      "created again",
      /says that the key was/,
      (responses) => {
        const event = responses
          .flatMap(({ Events }) => Events ?? [])
          .find(({ IsCreate }) => IsCreate);
        if (event !== undefined) event.IsCreate = false;
      },
    ],
  ];
  test.each(spoilt)("%s", (_, expected, spoil) => {
    const reports = generateReports({ seed: 11, ...SMALL, lostPerMille: 0 });
    spoil(reports.watch["Responses"] as Response[]);
    const { anomalies } = check(reports);
    expect(anomalies.map(({ text }) => text).join("\n")).toMatch(expected);
  });
});

test("what was refused did nothing, what is known only to have happened has no answer to hold", () => {
  const put = (value: string): unknown => ({
    Type: "txn",
    Txn: {
      OperationsOnSuccess: [{ Type: "put-operation", Put: { Key: "a", Value: { Value: value } } }],
    },
  });
  const range = { Type: "range", Range: { Start: "a", End: "" } };
  const lines = [
    { ClientId: 1, Input: put("1"), Call: 1, Output: { ClientError: "no space" }, Return: 2 },
    {
      ClientId: 1,
      Input: put("2"),
      Call: 3,
      Output: { Persisted: true, PersistedRevision: 2 },
      Return: 4,
    },
    {
      ClientId: 2,
      Input: put("3"),
      Call: 5,
      Output: { PartialResponse: true, Revision: 3 },
      Return: 6,
    },
    {
      ClientId: 2,
      Input: range,
      Call: 7,
      Output: {
        Range: { KVs: [{ Key: "a", Value: { Value: "3" }, ModRevision: 3, Version: 2 }], Count: 1 },
        Revision: 3,
      },
      Return: 8,
    },
    { ClientId: 2, Input: { Type: "compact" }, Call: 9, Output: { Revision: -1 }, Return: 10 },
    {
      ClientId: 2,
      Input: { ...range, Range: { Start: "a", End: "", Revision: 2 } },
      Call: 11,
      Output: {
        Range: { KVs: [{ Key: "a", Value: { Value: "2" }, ModRevision: 2, Version: 1 }], Count: 1 },
        Revision: 3,
      },
      Return: 12,
    },
  ];
  expect(isEtcdReport(JSON.stringify(lines[0]))).toBe(true);
  const history = parseEtcdReports([{ name: "", text: linesOf(lines) }], true);
  expect(checkStore(history)).toMatchObject({ verdict: "ok", operations: 4, anomalies: [] });
});

const MANY = repetitions(20_000, 100_000);

test(`${MANY} operations on several keys each`, { timeout: 600_000 }, () => {
  const plan = { seed: 1, operations: MANY, clients: 32, keys: 500, lostPerMille: 5 };
  const reports = generateReports(plan);
  const { verdict, anomalies } = check(reports);
  expect(anomalies).toEqual([]);
  expect(verdict).toBe("ok");
  const late = (reports.operations as unknown as Told[]).slice(-500);
  expect(late.some(WRONG[0]?.[1] ?? (() => false))).toBe(true);
  expect(check(reports, false).verdict).toBe("violation");
});
