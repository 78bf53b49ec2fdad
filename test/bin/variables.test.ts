import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runHeld } from "../../src/bin/held/run-held.ts";
import { addCredentialOptions } from "../../src/bin/options/credential-options.ts";
import { resolveSettings, variableOf } from "../../src/bin/options/settings.ts";
import { OTHER_VARIABLES } from "../../src/bin/options/variables.ts";
import { serverCommand } from "../../src/bin/server.ts";
import { Command } from "commander";

const ROOMS = ["src/bin", "src/prompt"];
/** A constant of the program that is named like one. */
const NO_VARIABLE = "OMNIKV_GENERATOR";
/** With what any command may have in its environment, and no setting: nothing is refused. */
const serverWith = (names: readonly string[]): unknown =>
  resolveSettings([], {
    flags: {},
    environment: Object.fromEntries(names.map((name) => [name, ""])),
    file: null,
    defaults: {},
  });

/** All that are named in the source, in code and in words for people. */
function named(): readonly string[] {
  const files = ROOMS.flatMap((room) =>
    readdirSync(room, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(join(room, name), "utf8")),
  );
  const found = files.flatMap((text) => text.match(/\bOMNIKV_[A-Z][A-Z_]*/g) ?? []);
  return [...new Set(found)].filter((name) => name !== NO_VARIABLE).sort();
}

describe("a server leaves alone the variables of other commands", () => {
  test("of their options", () => {
    const { options } = addCredentialOptions(new Command());
    const names = options.flatMap(({ envVar }) => envVar ?? []);
    expect(names).toHaveLength(options.length);
    expect(() => serverWith(names)).not.toThrow();
  });

  test("that a program has while a lock is held", async () => {
    const guard = { token: 1, key: "k", signal: new AbortController().signal };
    const script = 'test "$OMNIKV_TOKEN,$OMNIKV_LOCK,$OMNIKV_LOCK_KEY" = 1,n,k';
    const run = { command: "sh", args: ["-c", script], name: "n", ttl: 10_000, guard };
    expect(await runHeld(run)).toEqual({ kind: "ended", status: 0 });
    expect(() => serverWith(["OMNIKV_TOKEN", "OMNIKV_LOCK", "OMNIKV_LOCK_KEY"])).not.toThrow();
  });

  test("and each that the commands name is one of those, or a setting of its own", () => {
    const own = serverCommand().options.map((option) => variableOf({ name: option.name() }));
    const others = named().filter((name) => !own.includes(name));
    expect(others.filter((name) => !OTHER_VARIABLES.has(name))).toEqual([]);
    expect(others).toContain("OMNIKV_HISTORY");
  });
});
