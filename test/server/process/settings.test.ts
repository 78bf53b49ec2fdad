import { describe, expect, test } from "vitest";
import {
  resolveSettings,
  settingsText,
  type Setting,
  type Sources,
} from "../../../src/bin/options/settings.ts";

function setting(name: string, changes: Partial<Setting> = {}): Setting {
  const key = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return { name, key, isSwitch: false, isPath: false, isSecret: false, ...changes };
}
const SETTINGS = [
  setting("node"),
  setting("data-dir", { isPath: true }),
  setting("tick-ms"),
  setting("peers"),
  setting("cluster", { isPath: true }),
  setting("allow-faults", { isSwitch: true }),
  setting("secret-file", { isPath: true, isSecret: true }),
];
const NOTHING: Sources = { flags: {}, environment: {}, file: null, defaults: { tickMs: "10" } };

function resolved(sources: Partial<Sources>): Record<string, string> {
  return Object.fromEntries(
    resolveSettings(SETTINGS, { ...NOTHING, ...sources }).map((each) => [
      each.setting.key,
      `${each.value ?? "-"} by ${each.source}`,
    ]),
  );
}
const file = (value: unknown): Sources["file"] => ({
  path: "/etc/omnikv/server.json",
  text: typeof value === "string" ? value : JSON.stringify(value),
});

test("nothing is set to an empty text", () => {
  const empty = "expected a value, got an empty text";
  expect(() => resolved({ flags: { dataDir: "" } })).toThrow(`--data-dir: ${empty}`);
  for (const name of ["OMNIKV_DATA_DIR", "OMNIKV_ALLOW_FAULTS"]) {
    expect(() => resolved({ environment: { [name]: "" } })).toThrow(`${name}: ${empty}`);
  }
  expect(() => resolved({ file: file({ dataDir: "" }) })).toThrow(`server.json: dataDir: ${empty}`);
});

describe("a setting comes from", () => {
  test("the flag, else the environment, else the file, else its default", () => {
    const flags = { tickMs: "1" };
    const environment = { OMNIKV_TICK_MS: "2" };
    const all = { flags, environment, file: file({ tickMs: 3 }) };
    expect(resolved(all)["tickMs"]).toBe("1 by flag");
    expect(resolved({ ...all, flags: {} })["tickMs"]).toBe("2 by environment");
    expect(resolved({ file: all.file })["tickMs"]).toBe("3 by file");
    expect(resolved({})["tickMs"]).toBe("10 by default");
    expect(resolved({})["node"]).toBe("- by default");
  });

  test("a switch may be turned off by what is nearer", () => {
    expect(resolved({ file: file({ allowFaults: true }) })["allowFaults"]).toBe("true by file");
    const environment = { OMNIKV_ALLOW_FAULTS: "false" };
    expect(resolved({ environment, file: file({ allowFaults: true }) })["allowFaults"]).toBe(
      "- by environment",
    );
  });

  test("of a list of nodes and a file with them the nearer one holds; both from one place stay", () => {
    const environment = { OMNIKV_CLUSTER: "/c.json" };
    const both = resolved({ flags: { peers: "1=a" }, environment });
    expect([both["peers"], both["cluster"]]).toEqual(["1=a by flag", "- by default"]);
    const same = resolved({ flags: { peers: "1=a", cluster: "c.json" } });
    expect([same["peers"], same["cluster"]]).toEqual(["1=a by flag", "c.json by flag"]);
  });

  test("a path in a file is relative to the file, elsewhere it stays as it is", () => {
    expect(resolved({ file: file({ dataDir: "data" }) })["dataDir"]).toBe(
      "/etc/omnikv/data by file",
    );
    expect(resolved({ environment: { OMNIKV_DATA_DIR: "data" } })["dataDir"]).toBe(
      "data by environment",
    );
  });
});

describe("an error", () => {
  test.each([
    [
      { environment: { OMNIKV_DATA_DRI: "x" } },
      "OMNIKV_DATA_DRI: no such variable of omnikv server; did you mean OMNIKV_DATA_DIR?",
    ],
    [
      { file: file({ "data-dir": "x" }) },
      "--config: /etc/omnikv/server.json: data-dir: no such setting; did you mean dataDir?",
    ],
    [
      { file: file({ tikMs: 1 }) },
      "--config: /etc/omnikv/server.json: tikMs: no such setting; did you mean tickMs?",
    ],
    [{ file: file({ zzzzzz: 1 }) }, "--config: /etc/omnikv/server.json: zzzzzz: no such setting"],
    [{ file: file({ tickMs: [] }) }, "tickMs: expected a text or a number, got []"],
    [{ file: file({ allowFaults: "yes" }) }, 'allowFaults: expected true or false, got "yes"'],
    [{ environment: { OMNIKV_ALLOW_FAULTS: "1" } }, "expected true or false"],
    [{ file: file("[]") }, "expected an object with settings"],
    [{ file: file("{") }, "is not JSON"],
  ] satisfies [Partial<Sources>, string][])("names the source: %o", (sources, text) => {
    expect(() => resolved(sources)).toThrow(text);
  });

  test("is not made of variables of other programs and of the prompts", () => {
    expect(() => resolved({ environment: { HOME: "/", OMNIKV_HISTORY: "" } })).not.toThrow();
  });
});

test("what holds is printed with where it comes from", () => {
  const config = file({ tickMs: 5 });
  const all = resolveSettings(SETTINGS, { ...NOTHING, flags: { node: "1" }, file: config });
  expect(settingsText(all, config)).toBe(
    [
      "node          1      flag --node",
      "data-dir      -      default",
      "tick-ms       5      file /etc/omnikv/server.json",
      "peers         -      default",
      "cluster       -      default",
      "allow-faults  false  default",
      "secret-file   -      default",
      "",
    ].join("\n"),
  );
});

describe("what may be a secret is not repeated", () => {
  const SECRET = "s3cr3t-of-the-cluster";
  const key = `-----BEGIN PRIVATE KEY-----\n${SECRET}\n`;
  test.each([
    ["another kind of value", { file: file({ secretFile: { value: SECRET } }) }, "got an object"],
    ["a list of them", { file: file({ secretFile: [SECRET] }) }, "got a list"],
    ["a key in the file", { file: file({ secretFile: key }) }, "expected the name of a file"],
    ["a key in a variable", { environment: { OMNIKV_SECRET_FILE: key } }, "the name of a file"],
    ["a key in a flag", { flags: { secretFile: key } }, "--secret-file: expected the name"],
    ["a setting that is none", { file: file({ secret: SECRET }) }, "secret: no such setting"],
    ["a variable that is none", { environment: { OMNIKV_SECRET: SECRET } }, "OMNIKV_SECRET"],
    ["what is no JSON", { file: file(`{\n "secretFile": ${SECRET} }`) }, "line 2, column 16"],
    ["a name given twice", { file: file(`{"node":1,"secretFile":"${SECRET}","node":2}`) }, "twice"],
  ] satisfies [string, Partial<Sources>, string][])("%s", (_, sources, text) => {
    const thrown = ((): unknown => {
      try {
        return resolved(sources);
      } catch (error) {
        return error;
      }
    })();
    expect(String(thrown)).toContain(text);
    expect(String(thrown)).not.toContain(SECRET);
  });
});

test("a byte order mark in front is passed over; a name that stands twice is refused, however it is written", () => {
  expect(resolved({ file: file('\uFEFF{ "tickMs": 7 }') })["tickMs"]).toBe("7 by file");
  const twice = file('{ "tickMs": 7,\n  "tick\\u004ds": 8 }');
  expect(() => resolved({ file: twice })).toThrow(
    '--config: /etc/omnikv/server.json line 2, column 3: "tick\\u004ds" stands there twice',
  );
});
