/** What the audit log says of a request of management: whom or what it is about, and what it sets. Never a password. */
import { afterPrefix, type LinkFault, unreachable } from "../../base/index.ts";
import { byteStringOf } from "../../store/index.ts";
import type { AdminAccessChange, AdminRequest } from "../../protocol/admin/index.ts";
import { rangeOf } from "./admin-access.ts";
import { shown } from "./audit-frame.ts";

/** Of several faults so many links are named. */
const FAULTS_SHOWN = 16;

/** @returns null: there is nothing to say but the operation */
export function subjectOf(request: AdminRequest): string | null {
  switch (request.op) {
    case "changeAccess":
      return ofChange(request.params.change);
    case "listKeys": {
      const { prefix, after } = request.params;
      const behind = afterPrefix(prefix);
      const end = behind === null ? null : byteStringOf(behind);
      const range = shown({ start: byteStringOf(prefix), end });
      return after === null ? range : `${range} after ${shown({ key: byteStringOf(after) })}`;
    }
    case "setQuota":
      return `bytes ${request.params.bytes}`;
    case "setHistory": {
      const { revisions, bytes } = request.params;
      return `revisions ${revisions ?? "default"} bytes ${bytes ?? "default"}`;
    }
    case "compact":
      return `revision ${request.params.revision}`;
    case "breakLink":
    case "restoreLink":
      return ofLink(request.params);
    case "setFault":
      return ofFault(request.params);
    case "setFaults": {
      const { faults } = request.params;
      const some = faults.slice(0, FAULTS_SHOWN).map(ofFault).join(", ");
      const more = faults.length - FAULTS_SHOWN;
      return more > 0 ? `${some} and ${more} more` : some === "" ? "none" : some;
    }
    case "readBackup":
      return `backup ${request.params.backup} piece ${request.params.piece}`;
    case "getLinks":
    case "heal":
    case "status":
    case "beginBackup":
    case "getHistory":
    case "getSettings":
    case "signIn":
    case "whoami":
    case "getAccess":
      return null;
    default:
      return unreachable(request, "operation");
  }
}

interface OfLink {
  readonly peer: number;
  readonly direction: string;
}

function ofLink({ peer, direction }: OfLink): string {
  return `peer ${peer} ${direction}`;
}

/** With each kind of fault by its name. */
function ofFault({ peer, direction, ...fault }: OfLink & LinkFault): string {
  const kinds = Object.entries(fault).map(([kind, value]) => `${kind} ${value}`);
  return [ofLink({ peer, direction }), ...kinds].join(" ");
}

/** The user or role that it is about, and of a permission what it permits where. */
function ofChange(change: AdminAccessChange): string | null {
  const where = "start" in change ? shown(rangeOf(change)) : null;
  const words = [
    "user" in change ? change.user : null,
    "role" in change ? change.role : null,
    "may" in change ? change.may : null,
    where,
  ];
  const said = words.filter((word) => word !== null);
  return said.length === 0 ? null : said.join(" ");
}
