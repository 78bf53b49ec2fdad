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
    default:
      return unreachable(alarm.kind, "alarm");
  }
}
