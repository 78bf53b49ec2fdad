import { printable, unreachable } from "../../base/index.ts";
import type { AdminAlarm } from "../../protocol/admin/index.ts";

/** What a node's alarm means, in words that follow "node 2: ". */
export function alarmText(alarm: AdminAlarm): string {
  switch (alarm.kind) {
    case "diverged": {
      const { peer, agreedIdx, differsIdx, refuses } = alarm;
      const agreed = agreedIdx === null ? "" : `the same at ${agreedIdx}, `;
      const serving = refuses
        ? "refuses clients until a majority is known; keep every data directory, and start all nodes"
        : "is with the majority and goes on";
      return `its state is not that of node ${peer} (by log index ${agreed}different at ${differsIdx}); ${serving}`;
    }
    case "joining": {
      const { confirmed, needed } = alarm;
      if (confirmed.length >= needed) {
        return "it is to take the place of a lost disk: the others agree, it waits for a leader to bring its log in line";
      }
      return (
        "it is to take the place of a lost disk and serves nobody yet: " +
        `${othersText(needed)} must be connected and agree, ${agreedText(confirmed)}`
      );
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
        ? `keys and values take ${used} of the quota of ${mebibytes(quotaBytes)}: all nodes refuse what makes it grow; delete keys or raise the quota (config set quota)`
        : `its memory is short, with a state of ${used}: it refuses what makes it grow; delete keys or start it with a larger heap`;
    }
    case "diskFull":
      return alarm.cause === "space"
        ? "its disk is full: until there is room it refuses writes, or gets no further, and reads go on; make room, and it goes on by itself"
        : "it can open no more files: it refuses writes until it can, and reads go on; see what holds so many (lsof), or raise the limit of open files and start it again";
    case "otherLog":
      return `node ${alarm.peer} is of another cluster, or of this one begun anew beside a disk of before: nothing goes between the two, and clients of one are told other things than clients of the other. Keep both data directories until it is known which is right; then correct the address, or start the wrong one on an empty directory with --rejoin`;
    case "unknown":
      return `it raises an alarm that this version of the program does not know, "${printable(alarm.name)}": ask with the version that the node has`;
    default:
      return unreachable(alarm, "alarm");
  }
}

/** "1 other node", "2 other nodes". */
function othersText(count: number): string {
  return `${count} other ${count === 1 ? "node" : "nodes"}`;
}

/** "none has so far", "node 2 has so far", "nodes 2 and 3 have so far". */
function agreedText(nodes: readonly number[]): string {
  const last = nodes.at(-1);
  if (last === undefined) return "none has so far";
  if (nodes.length === 1) return `node ${last} has so far`;
  return `nodes ${nodes.slice(0, -1).join(", ")} and ${last} have so far`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
