/** What the page greys for whoever signed in, and the reason it gives. */
import { describe, expect, test } from "vitest";
import {
  readablePrefixes,
  whyNotKey,
  whyNotManage,
  whyNotPrefix,
  type Who,
} from "../../src/page/rights.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const may = (kind: "read" | "write" | "both", start: string, end: string | null) => ({
  may: kind,
  start: bytes(start),
  end: end === null ? null : bytes(end),
});
const ANN: Who = {
  isOn: true,
  user: "ann",
  by: "password",
  roles: ["shop"],
  permissions: [
    may("both", "shop/", "shop0"),
    may("read", "prices", "prices\0"),
    may("write", "w/", "w0"),
  ],
};
const NOBODY: Who = { isOn: true, user: null, by: "none", roles: [], permissions: [] };
const ROOT: Who = { isOn: true, user: "root", by: "password", roles: ["root"], permissions: [] };

describe("what is greyed", () => {
  test.each<[Who | null, string | null]>([
    [null, null],
    [{ ...NOBODY, isOn: false }, null],
    [ROOT, null],
    [{ ...NOBODY, by: "secret", roles: ["root"] }, null],
    [NOBODY, "Access control is on: sign in first"],
    [ANN, "ann has not the role root"],
  ])("of management for %j", (who, why) => {
    expect(whyNotManage(who)).toBe(why);
  });

  test.each<["read" | "write", string, boolean]>([
    ["read", "shop/1", true],
    ["write", "shop/1", true],
    ["read", "prices", true],
    ["write", "prices", false],
    ["read", "prices2", false],
    ["read", "w/1", false],
    ["write", "w/1", true],
    ["read", "shop0", false],
  ])("of keys: a %s of %s", (way, key, allowed) => {
    const why = whyNotKey(ANN, way, key);
    expect(why).toBe(allowed ? null : `None of the roles of ann lets ann ${way} this key`);
    expect(whyNotKey(ROOT, way, key)).toBeNull();
    expect(whyNotKey(NOBODY, way, key)).toBe("Access control is on: sign in first");
    // Too many to be told: the nodes judge.
    expect(whyNotKey({ ...ANN, permissions: null }, way, key)).toBeNull();
  });

  test("of lists: all that begins so has to be permitted, by several permissions that touch too", () => {
    expect(whyNotPrefix(ANN, "shop/")).toBeNull();
    expect(whyNotPrefix(ANN, "shop/a")).toBeNull();
    expect(whyNotPrefix(ANN, "shop")).toContain("begin with shop");
    expect(whyNotPrefix(ANN, "")).toContain("read all keys");
    const all = { ...ANN, permissions: [may("read", "m", null), may("read", "", "m")] };
    expect(whyNotPrefix(all, "")).toBeNull();
    const gap = { ...ANN, permissions: [may("read", "m\0", null), may("read", "", "m")] };
    expect(whyNotPrefix(gap, "")).not.toBeNull();
  });

  test("prefixes that may be read are offered", () => {
    expect(readablePrefixes(ANN)).toEqual(["shop/"]);
    expect(readablePrefixes(ROOT)).toEqual([]);
    expect(readablePrefixes(null)).toEqual([]);
  });
});
