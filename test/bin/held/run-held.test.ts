import { describe, expect, test } from "vitest";
import { runHeld, type RunEnd } from "../../../src/bin/held/run-held.ts";
import { checkedSignal } from "../../../src/client/terms/index.ts";

function run(script: string, signal: AbortSignal): Promise<RunEnd> {
  const guard = { token: 1, key: "k", signal };
  return runHeld({ command: "sh", args: ["-c", script], name: "n", ttl: 10_000, guard });
}

describe("a program that runs for as long as a lock is held", () => {
  test("has its own status when it ended in time", async () => {
    const { signal } = new AbortController();
    expect(await run("exit 7", signal)).toEqual({ kind: "ended", status: 7 });
  });

  test("has outlived the lock when the lease was over by the clock, though no timer has told so yet", async () => {
    const lost = new AbortController();
    let isOver = false;
    const signal = checkedSignal(lost, () => {
      if (isOver) lost.abort();
    });
    const end = run("exit 0", signal);
    isOver = true;
    expect(await end).toEqual({ kind: "lost", status: 0 });
  });

  test("is ended when the lock is lost", async () => {
    const lost = new AbortController();
    const end = run("exec sleep 60", lost.signal);
    lost.abort();
    expect(await end).toMatchObject({ kind: "lost" });
  });
});
