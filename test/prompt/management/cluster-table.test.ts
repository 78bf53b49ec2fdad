/** The table of a cluster: links from both ends, leaders without a majority, nodes that the list leaves out. */
import { expect, test } from "vitest";
import { KvError } from "../../../src/base/index.ts";
import { renderTable } from "../../../src/prompt/management/cluster-render.ts";
import { plainStyle } from "../../../src/prompt/terminal/style.ts";
import type { AdminLink, AdminStatus } from "../../../src/protocol/admin/admin.ts";
import { linkTo, statusOf } from "../admin-fixtures.ts";

const both: Partial<AdminLink> = { brokenIn: true, brokenOut: true };

function table(...nodes: readonly Partial<AdminStatus>[]): readonly string[] {
  const look = nodes.map((fields, i) => ({
    node: i + 1,
    status: statusOf(i + 1, { role: "follower", ...fields }),
    error: null,
  }));
  return renderTable(look, () => "", plainStyle);
}

const wide = (fields: Partial<AdminStatus>): Partial<AdminStatus> => ({
  ...fields,
  decidedIdx: 1_234_567,
  appliedIdx: 1_234_567,
  keys: 100_000,
});

test.each([
  [undefined, "node  role      leader  ballot  decided  applied  majority    keys  up"],
  [80, "node  role      leader  decided  majority  links"],
  [60, "node  role      leader  decided  majority  links"],
  [56, "node  role      leader  majority  links"],
  [44, "node  role      majority  links"],
  [30, "node  role      links"],
])("in %s columns the links are seen, and no word is broken", (columns, header) => {
  const links = [linkTo(2, both), linkTo(3, { dropPermilleIn: 300, delayMsOut: 20 })];
  const statuses = [statusOf(1, wide({ role: "follower", links })), statusOf(2, wide({}))];
  const silent = { node: 3, status: null, error: new KvError("TIMEOUT", "x") } as const;
  const answering = statuses.map((status, i) => ({ node: i + 1, status, error: null }));
  const why = "does not answer at 127.0.0.1:4103 (`omnikv server --node 3` starts it)";
  const lines = renderTable([...answering, silent], () => why, plainStyle, columns);
  expect(lines[0]?.startsWith(header)).toBe(true);
  const text = lines.join("\n");
  for (const word of `broken 2 · to 3 30 % lost +20 ms ${why} whole`.split(" ")) {
    expect(text.split(/[\s]+/)).toContain(word);
  }
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns ?? Infinity);
});

const linksOf = (lines: readonly string[]): readonly (string | undefined)[] =>
  lines.slice(1, 4).map((line) => line.split(" min  ")[1]);

test("shows what is broken at the other end, in which direction, and where it was broken", () => {
  const first = { links: [linkTo(2, { brokenOut: true }), linkTo(3, both)] };
  const third = { links: [linkTo(1), linkTo(2)] };
  expect(
    linksOf(table(first, { links: [linkTo(1, { brokenOut: true }), linkTo(3)] }, third)),
  ).toEqual(["broken 2, 3", "broken 1", "broken 1 (there)"]);
  expect(linksOf(table(first, { links: [linkTo(1), linkTo(3)] }, third))).toEqual([
    "broken 2 (out), 3",
    "broken 1 (in, there)",
    "broken 1 (there)",
  ]);
});

test("a loss or delay of what comes from a peer is not told of what goes to it", () => {
  const links = [
    linkTo(2, { dropPermilleIn: 300, delayMsIn: 50 }),
    linkTo(3, { dropPermilleIn: 10, dropPermilleOut: 25, brokenIn: false }),
    linkTo(4, { dropPermilleIn: 1000, brokenIn: true, delayMsOut: 5 }),
  ];
  expect(linksOf(table({ links }, {}, {}))[0]).toBe(
    "broken 4 (in) · from 2 30 % lost · to 3 2.5 % lost · from 3 1 % lost · from 2 +50 ms · to 4 +5.0 ms",
  );
});

test("calls nobody leader who hears no majority", () => {
  const lines = table({ role: "leader", quorumConnected: false }, {}, {});
  expect(lines).toContain("no node leads: node 1 did, and hears no majority of the nodes");
  expect(table({ role: "leader" }, {}, {})).toContain("node 1 leads");
});

test("who leads is not known where nodes do not say it", () => {
  const refused = { status: null, error: new KvError("UNAUTHENTICATED", "sign in") } as const;
  const gone = { status: null, error: new KvError("CONNECTION_FAILED", "refused") } as const;
  const follower = { status: statusOf(1, { role: "follower" }), error: null } as const;
  type Refusal = { readonly status: null; readonly error: KvError };
  const says = (...looks: readonly (Refusal | typeof follower)[]): string =>
    renderTable(
      looks.map((each, i) => ({ node: i + 1, ...each })),
      () => "",
      plainStyle,
    )[looks.length + 1] ?? "";
  expect(says(refused, refused)).toBe("who leads is told to nobody who has not signed in");
  const forbidden = { status: null, error: new KvError("FORBIDDEN", "not root") } as const;
  expect(says(forbidden, forbidden)).toBe("who leads is told to users with the role root only");
  const secretless = { status: null, error: new KvError("UNAUTHORIZED", "no secret") } as const;
  expect(says(gone, secretless)).toBe("who leads is told to nobody without the cluster's secret");
  expect(says(gone, gone)).toBe("no node answers");
  expect(says(follower, gone)).toBe("no node that answers leads");
  expect(says(follower)).toBe("no node leads");
});

test("says that nodes are left out of the list", () => {
  const lines = table(
    { links: [linkTo(2), linkTo(5), linkTo(3)] },
    { links: [linkTo(1), linkTo(5)] },
  );
  expect(lines.at(-1)).toBe(
    "not shown: 3, 5, which are of this cluster too (name them with --nodes)",
  );
  const all = table({ links: [linkTo(2)] }, { links: [linkTo(1)] });
  expect(all.join("\n")).not.toContain("not shown");
});

test("says that a list names two clusters of one name", () => {
  const lines = table({ origin: 7 }, { origin: 9 }, { origin: 7 });
  expect(lines.at(-1)).toBe(
    "these are 2 clusters, with a log each: nodes 1, 3; node 2. Look at the addresses (`nodes` shows them)",
  );
  // A node whose log is still empty may be of any, and earlier versions do not say.
  expect(table({ origin: 7 }, { origin: 0 }, {}).join("\n")).not.toContain("clusters");
});
