/**
 * Whether a client can write through a node now, check by check, as etcd and Kubernetes print it. Pure.
 *
 * A node that is cut off from the leader is not ready, even if a neighbour passes on its clients' requests: other nodes serve
 * them better, and an operator must look at it.
 */
import { unreachable } from "../../base/index.ts";
import type { AdminAlarm, AdminStatus } from "../../protocol/admin/index.ts";
import { type CertificateEnd, renderCertificate } from "./certificates.ts";

/** Entries that are decided and not applied: an entry holds the input of one turn, so this is a second of work or so. */
const BEHIND_MAX = 1000;

export const CHECK_NAMES = [
  "process",
  "member",
  "leader",
  "quorum",
  "applied",
  "agreement",
  "space",
  "disk",
] as const;

type CheckName = (typeof CHECK_NAMES)[number];

export interface Check {
  readonly name: CheckName;
  /** Null: it holds. */
  readonly failure: string | null;
}

/** The state of the process that serves. */
export type Life =
  | { readonly kind: "running" }
  | { readonly kind: "stopping" }
  /** It cannot go on, for the reason that this stable code names. */
  | { readonly kind: "failed"; readonly code: string };

export function checksOf(life: Life, status: AdminStatus): readonly Check[] {
  const failures: Readonly<Record<CheckName, string | null>> = {
    process: lifeFailure(life),
    member: ofAlarm(status, "joining", ({ confirmed, needed }) =>
      confirmed.length < needed
        ? `this disk is to take the place of a lost one; ${confirmed.length} of ${needed} others agree`
        : "this disk is to take the place of a lost one, and waits for a leader",
    ),
    leader: leaderFailure(status),
    quorum: quorumFailure(status),
    applied: appliedFailure(status),
    agreement: ofAlarm(status, "diverged", ({ peer, differsIdx, refuses }) =>
      refuses
        ? `the state differs from that of node ${peer} at index ${differsIdx}, and no majority is known`
        : null,
    ),
    space: ofAlarm(status, "noSpace", ({ cause, usedBytes, quotaBytes }) =>
      cause === "quota"
        ? `NO_SPACE: keys and values take ${usedBytes} of ${quotaBytes} bytes`
        : "NO_SPACE: this node's memory is short",
    ),
    disk: ofAlarm(status, "diskFull", ({ cause }) =>
      cause === "space" ? "DISK_FULL: no room" : "DISK_FULL: no more files can be opened",
    ),
  };
  return CHECK_NAMES.map((name) => ({ name, failure: failures[name] }));
}

export function isReady(checks: readonly Check[]): boolean {
  return checks.every(({ failure }) => failure === null);
}

/** Null: it lives, even if it is about to end in good order. */
export function deathOf(life: Life): string | null {
  return life.kind === "failed" ? lifeFailure(life) : null;
}

/** The last words of an answer to a probe when all checks hold. */
export const PASSED_TEXT = "check passed";

/** "[+]leader ok", "[-]quorum failed: reason", a line each, when certificates end, and the verdict. */
export function renderChecks(
  checks: readonly Check[],
  what: "livez" | "readyz",
  certificates: readonly CertificateEnd[] = [],
): string {
  const lines = checks.map(({ name, failure }) =>
    failure === null ? `[+]${name} ok` : `[-]${name} failed: ${failure}`,
  );
  lines.push(...certificates.map(renderCertificate));
  lines.push(`${what} ${isReady(checks) ? PASSED_TEXT : "check failed"}`);
  return `${lines.join("\n")}\n`;
}

/** A line of `renderChecks` as a node sent it; the node may be of another version, or no node. */
export interface ToldCheck {
  readonly name: string;
  readonly failure: string | null;
}

/** Lines that are no checks are passed over. */
export function parseChecks(text: string): readonly ToldCheck[] {
  return text.split("\n").flatMap((line): ToldCheck[] => {
    const match = /^\[([+-])\]([A-Za-z0-9_-]{1,64}) (?:ok|failed(?:: (.{0,500}).*)?)$/.exec(line);
    if (match === null) return [];
    const [, sign, name = "", reason = "no reason given"] = match;
    return [{ name, failure: sign === "+" ? null : reason }];
  });
}

function lifeFailure(life: Life): string | null {
  switch (life.kind) {
    case "running":
      return null;
    case "stopping":
      return "the server stops";
    case "failed":
      return `the server cannot go on: ${life.code}`;
    default:
      return unreachable(life, "life");
  }
}

function leaderFailure({ standing, phase, leader, nodeId }: AdminStatus): string | null {
  if (standing !== "cutOff") return null;
  if (leader === null) return "no leader is known";
  switch (phase) {
    case "prepare":
      return `node ${leader} is being made the leader`;
    case "recover":
      return "this node waits for a leader to bring its log in line";
    case "none":
      return "no leader has been followed yet";
    case "accept":
      return leader === nodeId
        ? "this node led last, and has lost its followers"
        : `node ${leader} led last, and is not heard or not followed any more`;
    default:
      return unreachable(phase, "phase");
  }
}

/** Asks the leader, where there is one: a node may follow a leader that hears a quorum without hearing one itself. */
function quorumFailure({ standing, happy, quorumConnected, links }: AdminStatus): string | null {
  switch (standing) {
    case "leading":
      return happy ? null : "not enough nodes follow this leader";
    case "following":
      return happy ? null : "the leader hears no majority";
    case "cutOff": {
      if (quorumConnected) return null;
      const connected = links.filter(({ state }) => state === "connected").length;
      return `no majority is heard (sessions with ${connected} of ${links.length} peers)`;
    }
    default:
      return unreachable(standing, "standing");
  }
}

/** A node answers a client when it has applied the client's write. A node that is some entries behind is at work. */
function appliedFailure({ appliedIdx, decidedIdx, compactedIdx }: AdminStatus): string | null {
  if (appliedIdx < compactedIdx) return `a snapshot up to index ${compactedIdx} is being loaded`;
  const behind = decidedIdx - appliedIdx;
  return behind <= BEHIND_MAX ? null : `${behind} decided entries are not applied yet`;
}

function ofAlarm<K extends AdminAlarm["kind"]>(
  { alarms }: AdminStatus,
  kind: K,
  failure: (alarm: Extract<AdminAlarm, { kind: K }>) => string | null,
): string | null {
  const isOfKind = (alarm: AdminAlarm): alarm is Extract<AdminAlarm, { kind: K }> =>
    alarm.kind === kind;
  for (const alarm of alarms.filter(isOfKind)) {
    const text = failure(alarm);
    if (text !== null) return text;
  }
  return null;
}
