/** Generous: the machine may be busy. */
const DEADLINE_MS = 60_000;

/** Looks again and again, until the condition holds. @throws Error after a minute, with what `describe` says */
export async function until(condition: () => boolean, describe = (): string => ""): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > end)
      throw new Error(`waited in vain: ${condition.toString()} ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
