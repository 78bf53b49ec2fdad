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
    default:
      return unreachable(alarm, "alarm");
  }
}
