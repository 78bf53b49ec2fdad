import { expect } from "vitest";
import { readHistory, type KvState } from "../../src/store/index.ts";
import { key } from "./helpers.ts";

/** By key: version, mod revision and value, newest first. */
export type Histories = Readonly<Record<string, readonly (readonly [number, number, string])[]>>;

/** All that is kept of these keys. */
export function expectHistories({ cells, revision }: KvState, histories: Histories): void {
  for (const [name, versions] of Object.entries(histories)) {
    const request = { history: key(name), revision: 0, limit: 99 };
    const found = readHistory(cells, revision, request).versions;
    expect(found.map(({ version, modRevision, value }) => [version, modRevision, value])).toEqual(
      versions,
    );
  }
}
