/** Why users and roles cannot be changed so: a node answers alike for several reasons, and what was asked says which it is. Pure. */
import { printable } from "../../base/index.ts";
import type { AdminAccessChange } from "../../protocol/admin/index.ts";

/** What a node says, as far as it is the same in all its versions. */
const SAID = {
  exists: "there is one of that name already",
  noUser: "there is no user of that name",
  noRole: "there is no such role",
} as const;

/** @param kind of the change. @returns with the name that it is about; what the node said where that is clear already */
export function accessRefusal(
  change: {
    readonly kind: AdminAccessChange["kind"];
    readonly user?: string;
    readonly role?: string;
  },
  message: string,
): string {
  const { kind } = change;
  const user = `user ${printable(change.user ?? "")}`;
  const role = `role ${printable(change.role ?? "")}`;
  if (message.includes(SAID.noUser)) return `there is no ${user}`;
  if (message.includes(SAID.exists)) {
    if (kind === "grantRole") return `${user} has the ${role} already`;
    if (kind === "addUser") return `there is a ${user} already`;
    if (kind === "addRole") return `there is a ${role} already`;
  }
  if (message.includes(SAID.noRole)) {
    return kind === "revokeRole" ? `${user} does not have the ${role}` : `there is no ${role}`;
  }
  return message;
}
