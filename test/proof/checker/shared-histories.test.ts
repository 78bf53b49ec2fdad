/** Recorded histories whose verdicts are known. They are not part of the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import {
  checkLinearizable,
  explain,
  modelOf,
  parseHistory,
} from "../../../src/proof/checker/index.ts";

const FOLDER = resolve(import.meta.dirname, "../../../../shared/histories");
const isHere = existsSync(join(FOLDER, "README.md"));
const reason = isHere ? "" : " (skipped: ../shared/histories is not there)";
const now = (): number => performance.now();

const verdicts = new Map(
  isHere
    ? [
        ...readFileSync(join(FOLDER, "README.md"), "utf8").matchAll(
          /^\| (\S+\.(?:log|txt)) \| (yes|no) \|$/gm,
        ),
      ].map(([, file = "", isGood]) => [file, isGood === "yes" ? "ok" : "violation"])
    : [],
);

function filesOf(folder: string): string[] {
  return isHere ? readdirSync(join(FOLDER, folder)).map((file) => `${folder}/${file}`) : [];
}

describe.skipIf(!isHere)(`recorded histories${reason}`, () => {
  test.each([...filesOf("etcd"), ...filesOf("kv")])("%s", (file) => {
    const history = parseHistory(readFileSync(join(FOLDER, file), "utf8"));
    const model = modelOf(history.model);
    const result = checkLinearizable(model, history, { now, timeLimitMs: 20_000 });
    expect(result.verdict).toBe(verdicts.get(file.split("/")[1] ?? ""));
    for (const partition of result.partitions) {
      if (partition.verdict !== "violation") continue;
      const { operations, isMinimal } = explain(model, partition, { now, timeLimitMs: 10_000 });
      expect(isMinimal).toBe(true);
      expect(operations.length).toBeLessThanOrEqual(16);
    }
  });

  test.each(filesOf("kv"))("%s, all keys together", (file) => {
    const history = parseHistory(readFileSync(join(FOLDER, file), "utf8"));
    const result = checkLinearizable(modelOf(history.model), history, {
      now,
      timeLimitMs: 20_000,
      partition: false,
    });
    expect(result.verdict).toBe(verdicts.get(file.split("/")[1] ?? ""));
  });
});
