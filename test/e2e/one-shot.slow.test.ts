/** One request from the shell, against a real server: arguments, bytes through real pipes, exit statuses. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VALUE_BYTES_MAX } from "../../src/base/limits.ts";
import { OMNIKV, TestCluster } from "./cluster.ts";

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await TestCluster.create(1);
  await cluster.startAll();
  await cluster.client().write("warm", "up");
});
afterAll(() => cluster.dispose());

const EVERY_BYTE = Buffer.from(Array.from({ length: 1024 }, (_, i) => i & 0xff));

function address(): string {
  const [node] = cluster.nodes;
  return `127.0.0.1:${node?.port}`;
}

/** `$OMNIKV` and `$AT`, the options that name the cluster, are there for the script. */
function sh(script: string): { status: number | null; out: Buffer; err: string } {
  const omnikv = `"${process.execPath}" "${OMNIKV}"`;
  const { status, stdout, stderr } = spawnSync(
    "bash",
    ["-c", `omnikv() { ${omnikv} "$@"; }\n${script}`],
    {
      env: { ...process.env, AT: `--cluster=${cluster.clusterFile}`, DIR: cluster.directory },
      timeout: 120_000,
    },
  );
  return { status, out: stdout, err: stderr.toString() };
}

describe("one request", () => {
  test("an argument that is no UTF-8 is refused, for another key would be meant", () => {
    for (const command of [
      "put $'k\\xff' v",
      "role grant r read $'k\\xff'",
      "lock $'l\\xff' -- true",
    ]) {
      const { status, out, err } = sh(`omnikv ${command} $AT`);
      expect({ status, out: out.toString() }).toEqual({ status: 2, out: "" });
      expect(err).toMatch(/^omnikv: argument \d is no UTF-8, and would be changed/);
    }
    // The character that Node.js puts in the place of others is a character like any other.
    expect(sh(`omnikv put $'k\\xef\\xbf\\xbd' v $AT`).status).toBe(0);
  });

  test("finds the cluster by an address alone, as the library does, and so do the prompts", () => {
    const { status, out, err } = sh(`
      omnikv put by-address 1 --nodes ${address()} && omnikv get by-address --node 1 --nodes ${address()} --raw
      omnikv client -c '1 read by-address' --nodes ${address()}
      omnikv manage -c '1 get_links 0' --nodes ${address()}
      omnikv backup $DIR/by-address.backup --nodes ${address()}`);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out.toString()).toMatch(
      /^ok, revision \d+ \([^)]+\)\n11 \(revision [^)]+\)\nnode 1: no broken links [^\n]+\nbackup of cluster /,
    );
  });

  test("is written, read, swapped and deleted, by every name", () => {
    const { status, out, err } = sh(`
      omnikv put k 'a value' $AT && omnikv set $AT l 2 && omnikv write $AT -- --m 3
      omnikv get k $AT; omnikv read $AT l --local; omnikv get $AT -- --m
      omnikv cas k 'a value' b $AT; omnikv cas k --absent c $AT; omnikv cas n --absent 1 $AT
      omnikv del k $AT; omnikv get k $AT --node 1`);
    expect(err).toBe("");
    const answers = out
      .toString()
      .replace(/revision \d+(, )?/g, "")
      .replace(/(, | ?\()[\d.]+ m?s\)/g, "");
    expect(answers.split("\n")).toEqual([
      "ok, ",
      "ok, ",
      "ok, ",
      '"a value"',
      "2 (local, perhaps old",
      "3",
      "swapped, ",
      "not swapped: the value is b",
      "swapped, ",
      "deleted, ",
      "(not found)",
      "",
    ]);
    expect(status).toBe(0);
  });

  test("takes and gives every byte, through pipes and files", () => {
    const file = join(cluster.directory, "value");
    writeFileSync(file, EVERY_BYTE);
    const { status, out, err } = sh(
      `omnikv put bytes - $AT < "$DIR/value" >&2 && omnikv get bytes --raw $AT | cat`,
    );
    expect(err).toMatch(/^ok, revision \d+ \(.*\)\n$/);
    expect(out.equals(EVERY_BYTE)).toBe(true);
    expect(status).toBe(0);
    const swapped = sh(
      `printf next | omnikv cas bytes - - $AT; printf next | omnikv put bytes - $AT >&2; omnikv get bytes --raw $AT`,
    );
    expect(swapped.err).toContain("standard input can be one of the values only");
    expect(swapped.out.toString()).toBe("next");
    // As what is expected, and of no length.
    expect(sh(`printf next | omnikv cas bytes - '' $AT`).out.toString()).toContain("swapped");
    expect(sh(`omnikv get bytes --raw $AT`)).toMatchObject({
      status: 0,
      out: Buffer.alloc(0),
      err: "",
    });
  });

  test("lists are lines for scripts: how many they are is said on standard error", () => {
    const at = "$AT";
    for (const key of ["list/a", "list/b c"]) sh(`omnikv put '${key}' 1 ${at}`);
    const counted = sh(
      `omnikv keys list/ --limit 1 ${at} | wc -l; omnikv range list/ ${at} | wc -l`,
    );
    expect(counted.out.toString().match(/\d+/g)).toEqual(["1", "2"]);
    expect(counted.err).toMatch(/^1 key \(there are more: --limit, .*\n2 keys \(all, .*\n$/);
    const past = sh(`omnikv history list/a ${at}`);
    expect(past.out.toString()).toMatch(/^\d+ 1\n$/);
    expect(past.err).toMatch(/^1 version \(/);
    const raw = sh(`omnikv keys list/ --raw ${at}; omnikv keys list/none --raw ${at}`);
    expect(raw).toMatchObject({ status: 0, out: Buffer.from("list/a\nlist/b c\n"), err: "" });
    const number = sh(`omnikv count list/ --raw ${at}; omnikv count none/ --raw ${at}`);
    expect(number).toMatchObject({ status: 0, out: Buffer.from("2\n0\n"), err: "" });
    const part = sh(`omnikv keys list/ --raw --limit 1 ${at}`);
    expect(part.out.toString()).toBe("list/a\n");
    expect(part.err).toContain("there are more: --limit");
  });

  test("refuses what is too long without reading it to its end", () => {
    const { status, err } = sh(`yes | omnikv put long - $AT`);
    expect(err).toContain(`a value is at most ${VALUE_BYTES_MAX} bytes long`);
    expect(status).toBe(2);
  });

  test("takes no directory for an empty value", () => {
    const { status, err } = sh(`omnikv put folder - $AT < "$DIR"`);
    expect(err).toBe("write: standard input is a directory\n");
    expect(status).toBe(2);
    expect(sh(`omnikv get folder $AT`).out.toString()).toContain("(not found)");
  });

  test("says with --raw by its status that there is no such key, for bytes cannot say it", () => {
    const raw = sh(`omnikv get nothing --raw $AT`);
    expect(raw).toMatchObject({ status: 1, out: Buffer.alloc(0) });
    expect(raw.err).toContain("(not found)");
    expect(sh(`omnikv get nothing $AT`)).toMatchObject({ status: 0, err: "" });
  });

  test("answers in JSON with the names of the prompt", () => {
    const lines = sh(`omnikv put j 1 $AT --json; omnikv get j $AT --json; omnikv del j --json $AT`)
      .out.toString()
      .trim()
      .split("\n");
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { ok: true, op: "write", key: "j" },
      { ok: true, op: "read", value: "1" },
      { ok: true, op: "delete", existed: true },
    ]);
  });
});

describe("a reader that goes away", () => {
  test.each([
    ["a prompt with lines to come", `yes "read a" | omnikv client $AT`],
    [
      "one request",
      `omnikv put big - $AT < <(head -c 1000000 /dev/zero) >&2; omnikv get big --raw $AT`,
    ],
    ["help", `sleep 0.5; omnikv bench --help`],
    ["help of a server", `sleep 0.5; omnikv server --help`],
    ["the simulator", `omnikv sim --replay 484 --print`],
    ["both streams", `sleep 0.5; omnikv fly 2>&1`],
  ])("ends %s without a word, with status 141", (_, script) => {
    const reader = script.startsWith("sleep") ? "true" : "head -c 1 > /dev/null";
    const { out, err } = sh(`{ ${script}; } | ${reader}; echo "\${PIPESTATUS[0]}"`);
    expect(err.replace(/^ok, revision.*\n/, "")).toBe("");
    expect(out.toString()).toBe("141\n");
  });
});
