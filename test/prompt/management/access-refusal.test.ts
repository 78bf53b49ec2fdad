/** One refusal of a node stands for several reasons: the change says which it is. */
import { expect, test } from "vitest";
import { accessRefusal } from "../../../src/prompt/management/access-refusal.ts";
import { ACCESS_REFUSAL, accessRefusalText } from "../../../src/store/access/access-change.ts";

const { exists, noUser, noRole, noPermission } = ACCESS_REFUSAL;
const user = "ann";
const role = "shop";

test.each([
  [{ kind: "addUser", user }, exists, "there is a user ann already"],
  [{ kind: "addRole", role }, exists, "there is a role shop already"],
  [{ kind: "grantRole", user, role }, exists, "user ann has the role shop already"],
  [{ kind: "grantRole", user, role }, noRole, "there is no role shop"],
  [{ kind: "grantRole", user, role }, noUser, "there is no user ann"],
  [{ kind: "revokeRole", user, role }, noRole, "user ann does not have the role shop"],
  [{ kind: "permit", role }, noRole, "there is no role shop"],
  [{ kind: "forbid", role }, noRole, "there is no role shop"],
  [{ kind: "deleteRole", role }, noRole, "there is no role shop"],
  [{ kind: "deleteUser", user }, noUser, "there is no user ann"],
  [{ kind: "setPassword", user }, noUser, "there is no user ann"],
  [{ kind: "forbid", role }, noPermission, accessRefusalText(noPermission)],
] as const)("%j, refused as %s", (change, refusal, text) => {
  expect(accessRefusal(change, accessRefusalText(refusal))).toBe(text);
});
