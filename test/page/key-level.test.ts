/** Levels of the tree of keys: complete, in order, and as cheap for a million keys in a folder as for one. */
import { expect, test } from "vitest";
import {
  ITEMS_PER_PAGE,
  ITEMS_SHOWN_MAX,
  joinedLevels,
  keyLevel,
  type AskKeys,
  type KeyLevel,
  type ShownLevel,
} from "../../src/page/key-level.ts";

const encoder = new TextEncoder();

class Store {
  requests = 0;
  readonly #keys: readonly Buffer[];

  constructor(keys: readonly (string | Uint8Array)[]) {
    const bytes = keys.map((key) =>
      Buffer.from(typeof key === "string" ? encoder.encode(key) : key),
    );
    this.#keys = bytes.sort((a, b) => a.compare(b));
  }

  readonly ask: AskKeys = async ({ start, end }, limit) => {
    this.requests += 1;
    const from = this.#keys.findIndex((key) => Buffer.compare(key, start) >= 0);
    const rest = from === -1 ? [] : this.#keys.slice(from, from + limit);
    const inside = rest.filter((key) => end === null || Buffer.compare(key, end) < 0);
    return inside.map((key, i) => ({ key: Uint8Array.from(key), modRevision: i }));
  };
}

/** All pages of a level. */
async function all(store: Store, prefix: string): Promise<KeyLevel["items"]> {
  let page = await keyLevel(store.ask, prefix, null);
  const items = [...page.items];
  while (page.resume !== null) {
    page = await keyLevel(store.ask, prefix, page.resume);
    items.push(...page.items);
  }
  return items;
}

const shown = (items: KeyLevel["items"]): string[] =>
  items.map((item) => (item.kind === "key" ? item.key : item.prefix));

test("folders and keys of one level, in order of their bytes", async () => {
  const store = new Store(["a", "a/1", "a/2/x", "a0", "b", "/root", "z/"]);
  expect(shown(await all(store, ""))).toEqual(["/", "a", "a/", "a0", "b", "z/"]);
  expect(await all(store, "a/")).toEqual([
    { kind: "key", key: "a/1", name: "1", modRevision: expect.any(Number) },
    { kind: "folder", prefix: "a/2/", name: "2/" },
  ]);
  expect(await all(store, "z/")).toMatchObject([{ key: "z/", name: "" }]);
});

test("a prefix that ends within a name", async () => {
  const store = new Store(["fruit/apple/red", "fruit/apricot", "fruit/banana"]);
  expect(await all(store, "fruit/ap")).toMatchObject([
    { kind: "folder", prefix: "fruit/apple/", name: "apple/" },
    { kind: "key", key: "fruit/apricot", name: "apricot" },
  ]);
});

test("a folder of a hundred thousand keys is jumped over", async () => {
  const inside = Array.from({ length: 100_000 }, (_, i) => `big/${String(i).padStart(6, "0")}`);
  const store = new Store(["a", ...inside, "c"]);
  expect(shown(await all(store, ""))).toEqual(["a", "big/", "c"]);
  expect(store.requests).toBe(2);
});

test("pages join without a gap or a repetition, whatever lies at their edges", async () => {
  for (const size of [ITEMS_PER_PAGE - 1, ITEMS_PER_PAGE, ITEMS_PER_PAGE + 1, 128, 129, 1000]) {
    const names = Array.from({ length: size }, (_, i) => `k${String(i).padStart(4, "0")}`);
    // Every third is a folder with several keys in it.
    const keys = names.flatMap((name, i) =>
      i % 3 === 0 ? Array.from({ length: 1 + (i % 7) }, (_, k) => `${name}/${k}`) : [name],
    );
    const expected = names.map((name, i) => (i % 3 === 0 ? `${name}/` : name));
    expect(shown(await all(new Store(keys), "k"))).toEqual(expected);
  }
});

test("what is no text is counted, keys that follow it are found", async () => {
  const store = new Store(["a", Uint8Array.of(0xff, 1), Uint8Array.of(0xfe, 0x2f, 1), "é"]);
  const level = await keyLevel(store.ask, "", null);
  expect(shown(level.items)).toEqual(["a", "é"]);
  expect(level.unreadable).toBe(2);
});

test("many folders take several answers to the reader, not one that never comes", async () => {
  const keys = Array.from({ length: 60 }, (_, i) =>
    Array.from({ length: 200 }, (__, k) => `f${String(i).padStart(2, "0")}/${k}`),
  ).flat();
  const store = new Store(keys);
  const first = await keyLevel(store.ask, "", null);
  expect(store.requests).toBe(40);
  expect(first.resume).not.toBeNull();
  expect(await all(store, "")).toHaveLength(60);
});

test("whoever pages through very many keys holds the last of them, and knows how many are gone", async () => {
  const count = 1_000_000;
  const name = (i: number): string => `k${String(i).padStart(7, "0")}`;
  // A store that has no list of its keys: they are where their number says.
  const ask: AskKeys = async ({ start }, limit) => {
    const text = Buffer.from(start).toString("latin1");
    const from = Number(/\d+/.exec(text)?.[0] ?? 0) + (text.endsWith("\0") ? 1 : 0);
    const those = Array.from({ length: Math.min(limit, count - from) }, (_, i) => from + i);
    return those.map((i) => ({ key: encoder.encode(name(i)), modRevision: i }));
  };
  let shown: ShownLevel = { items: [], resume: null, unreadable: 0, gone: 0 };
  for (let page = 0; page < 2000; page++) {
    shown = joinedLevels(shown, await keyLevel(ask, "k", shown.resume));
    expect(shown.items.length).toBeLessThanOrEqual(ITEMS_SHOWN_MAX);
  }
  expect(shown.gone).toBe(2000 * ITEMS_PER_PAGE - ITEMS_SHOWN_MAX);
  expect(shown.items.at(-1)).toMatchObject({ key: name(2000 * ITEMS_PER_PAGE - 1) });
  // The end of a million, at a thousand keys' cost.
  const last = await keyLevel(ask, "k", encoder.encode(name(count - 50)));
  expect([last.items.length, last.resume]).toEqual([50, null]);
});
