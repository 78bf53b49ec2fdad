import { KvError } from "../../base/index.ts";
import type { AdminParams, AdminResult } from "../../protocol/admin/index.ts";

type Access = AdminResult<"getAccess">;

/** Somebody who changes rights so fast that a few pages never fit together is not waited for. */
const ATTEMPTS = 5;

/**
 * All users and roles of one state, a page at a time.
 * @param ask a node, and the same one each time
 * @throws KvError as from `ask`; CONFLICT when users or roles changed between two pages, again and again
 */
export async function wholeAccess(
  ask: (params: AdminParams<"getAccess">) => Promise<Access>,
): Promise<Access> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = await ask({});
    const users = [...first.users];
    const roles = [...first.roles];
    let page = first;
    while (page.next != null && page.epoch === first.epoch) {
      page = await ask({ from: page.next });
      users.push(...page.users);
      roles.push(...page.roles);
    }
    if (page.epoch === first.epoch) return { ...first, next: null, users, roles };
  }
  throw new KvError("CONFLICT", "users and roles changed while they were told; ask again");
}
