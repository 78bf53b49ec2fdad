/** Readiness: every reason for which a client cannot write through a node makes it not ready, and is told. */
import { describe, expect, test } from "vitest";
import {
  checksOf,
  deathOf,
  isReady,
  parseChecks,
  renderChecks,
  type Life,
} from "../../../src/server/probes/checks.ts";
import type { AdminStatus } from "../../../src/protocol/admin/admin.ts";
import { linkTo, statusWith } from "../metrics/fixtures.ts";

const RUNNING: Life = { kind: "running" };

function failuresOf(changes: Partial<AdminStatus>, life: Life = RUNNING): string[] {
  const checks = checksOf(life, statusWith(changes));
  expect(isReady(checks)).toBe(checks.every(({ failure }) => failure === null));
  return checks.flatMap(({ name, failure }) => (failure === null ? [] : [`${name}: ${failure}`]));
}

describe("checks", () => {
  test("a leader and a follower that are well are ready", () => {
    expect(failuresOf({})).toEqual([]);
    expect(failuresOf({ role: "follower", leader: 2, standing: "following" })).toEqual([]);
  });

  test("whoever follows a leader that hears a quorum is ready without hearing one", () => {
    const changes = { role: "follower", leader: 2, standing: "following" } as const;
    expect(failuresOf({ ...changes, quorumConnected: false })).toEqual([]);
    expect(failuresOf({ ...changes, happy: false })).toEqual([
      "quorum: the leader hears no majority",
    ]);
  });

  test.each<[string, Partial<AdminStatus>, string[]]>([
    [
      "a leader whose followers are gone",
      {
        ...{ standing: "cutOff", happy: false, quorumConnected: false },
        links: [linkTo(2), linkTo(3, { state: "down" })],
      },
      [
        "leader: this node led last, and has lost its followers",
        "quorum: no majority is heard (sessions with 1 of 2 peers)",
      ],
    ],
    [
      "a follower that does not hear its leader, and hears a majority",
      { role: "follower", leader: 3, standing: "cutOff" },
      ["leader: node 3 led last, and is not heard or not followed any more"],
    ],
    [
      "a node that has just started",
      { role: "follower", phase: "none", leader: null, standing: "cutOff", quorumConnected: false },
      ["leader: no leader is known", "quorum: no majority is heard (sessions with 2 of 2 peers)"],
    ],
    [
      "a node that recovers",
      { role: "follower", phase: "recover", leader: 2, standing: "cutOff" },
      ["leader: this node waits for a leader to bring its log in line"],
    ],
    [
      "a leader that is not through with the old log",
      { phase: "prepare", standing: "cutOff" },
      ["leader: node 1 is being made the leader"],
    ],
    [
      "a node that loads a snapshot",
      { appliedIdx: 9, compactedIdx: 40 },
      ["applied: a snapshot up to index 40 is being loaded"],
    ],
    [
      "a node far behind",
      { decidedIdx: 5000, appliedIdx: 100 },
      ["applied: 4900 decided entries are not applied yet"],
    ],
    [
      "a node that takes the place of a lost disk",
      { alarms: [{ kind: "joining", confirmed: [2], needed: 2 }] },
      ["member: this disk is to take the place of a lost one; 1 of 2 others agree"],
    ],
    [
      "a node that does not know whether it is in the right",
      {
        alarms: [
          { kind: "diverged", peer: 2, agreedIdx: 1, differsIdx: 5, refuses: false },
          { kind: "diverged", peer: 3, agreedIdx: 1, differsIdx: 7, refuses: true },
        ],
      },
      ["agreement: the state differs from that of node 3 at index 7, and no majority is known"],
    ],
    [
      "a full quota",
      { alarms: [{ kind: "noSpace", cause: "quota", usedBytes: 9, quotaBytes: 10 }] },
      ["space: NO_SPACE: keys and values take 9 of 10 bytes"],
    ],
    [
      "a short heap",
      { alarms: [{ kind: "noSpace", cause: "heap", usedBytes: 9, quotaBytes: 10 }] },
      ["space: NO_SPACE: this node's memory is short"],
    ],
    [
      "a full disk",
      { alarms: [{ kind: "diskFull", cause: "space" }] },
      ["disk: DISK_FULL: no room"],
    ],
  ])("%s is not ready", (_, changes, failures) => {
    expect(failuresOf(changes)).toEqual(failures);
  });

  test("some entries behind is a node at work; alarms that refuse nothing keep nobody away", () => {
    expect(failuresOf({ decidedIdx: 50, appliedIdx: 42 })).toEqual([]);
    const alarms: AdminStatus["alarms"] = [
      { kind: "diverged", peer: 2, agreedIdx: 1, differsIdx: 5, refuses: false },
      { kind: "unreadableEntry", idx: 4, entries: 1 },
      { kind: "otherLog", peer: 3 },
    ];
    expect(failuresOf({ alarms })).toEqual([]);
  });

  test("a server that stops lives and is not ready; one that failed is neither", () => {
    expect(failuresOf({}, { kind: "stopping" })).toEqual(["process: the server stops"]);
    expect(deathOf({ kind: "stopping" })).toBeNull();
    const failed: Life = { kind: "failed", code: "DISK_FAILED" };
    expect(failuresOf({}, failed)).toEqual(["process: the server cannot go on: DISK_FAILED"]);
    expect(deathOf(failed)).toBe("the server cannot go on: DISK_FAILED");
  });
});

describe("their text", () => {
  test("is what etcd and Kubernetes print", () => {
    const alarms: AdminStatus["alarms"] = [{ kind: "diskFull", cause: "files" }];
    expect(renderChecks(checksOf(RUNNING, statusWith({ alarms })), "readyz")).toBe(
      [
        ...["[+]process ok", "[+]member ok", "[+]leader ok", "[+]quorum ok", "[+]applied ok"],
        ...["[+]agreement ok", "[+]space ok"],
        "[-]disk failed: DISK_FULL: no more files can be opened",
        "readyz check failed\n",
      ].join("\n"),
    );
  });

  test("is read back as it was, also that of others", () => {
    const checks = checksOf({ kind: "stopping" }, statusWith({ decidedIdx: 5000 }));
    expect(parseChecks(renderChecks(checks, "readyz"))).toEqual(checks);
    const text = "<html>\n[+]ping ok\n[-]data_corruption failed\n[-] failed: x\n[*]a ok\n";
    expect(parseChecks(text)).toEqual([
      { name: "ping", failure: null },
      { name: "data_corruption", failure: "no reason given" },
    ]);
    expect(parseChecks(`[-]a failed: ${"x".repeat(5000)}`)[0]?.failure).toHaveLength(500);
  });
});
