import { afterEach, expect, test, vi } from "vitest";
import { tellFailure } from "../../src/bin/tell-failure.ts";
import { diskError } from "../../src/machine/host/disk-error.ts";

afterEach(() => vi.restoreAllMocks());

test.each([
  ["ENOSPC", "DISK_FULL", "the disk is full (ENOSPC). Make room there"],
  ["EMFILE", "INTERNAL", "as many files and connections open as it may (EMFILE)"],
])("a lack of %s that ends a command is a sentence, and no stack", (lack, code, text) => {
  const failure = Object.assign(new Error(`${lack}: the system's words, write`), { code: lack });
  const error = diskError(failure, "write", "/mnt/a");
  const output = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  expect(tellFailure(error, "output")).toBe(1);
  const [line] = output.mock.calls[0] ?? [];
  expect(JSON.parse(String(line))).toMatchObject({
    code,
    message: expect.stringMatching(/^cannot go on: cannot write \/mnt\/a: /) as unknown,
  });
  expect(line).toContain(text);
});
