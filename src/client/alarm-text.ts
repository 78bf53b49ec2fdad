import { unreachable } from "../base/assert.ts";
import type { AdminAlarm } from "../wire/admin.ts";

/** What a node's alarm means, in words that follow "node 2: ". */
export function alarmText(alarm: AdminAlarm): string {
  switch (alarm.kind) {
    case "diverged": {
      const { peer, agreedIdx, differsIdx, refuses } = alarm;
      const agreed = agreedIdx === null ? "" : `the same at ${agreedIdx}, `;
      const serving = refuses
        ? "refuses clients until a majority is known"
        : "is with the majority and goes on";
      return `its state is not that of node ${peer} (by log index ${agreed}different at ${differsIdx}); ${serving}`;
    }
    case "joining": {
      const { confirmed, needed } = alarm;
      if (confirmed.length >= needed) {
        return "it is to take the place of a lost disk: the others agree, it waits for a leader to bring its log in line";
      }
      const sofar = confirmed.length === 0 ? "none does so far" : `so far ${confirmed.join(", ")}`;
      return `it is to take the place of a lost disk and serves nobody yet: ${needed} others must be connected and agree, ${sofar}`;
    }
    case "unreadableEntry": {
      const { idx, entries } = alarm;
      const others = entries === 1 ? "" : `, the last of ${entries},`;
      return `entry ${idx} of the log${others} cannot be read: every node passes over it, and a faulty node made it`;
    }
    case "noSpace": {
      const { cause, usedBytes, quotaBytes } = alarm;
      const used = mebibytes(usedBytes);
      return cause === "quota"
        ? `the state takes ${used} of its quota of ${mebibytes(quotaBytes)}: all nodes refuse what makes it grow; delete keys or raise the quota (set_quota)`
        : `its memory is short, with a state of ${used}: it refuses what makes it grow; delete keys or start it with a larger heap`;
    }
    default:
      return unreachable(alarm, "alarm");
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
