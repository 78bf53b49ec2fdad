/** The prompt of `omnikv start`: keys, and management of the servers that it started, with the same words as apart. */
import type { ManageAction } from "./management/index.ts";
import type { ClientAction } from "./commands/index.ts";
import { findCommand, type Prompt } from "./terminal/index.ts";

/**
 * Each word means what it means at its own prompt. One is at both: `watch` is of the cluster, as no node stands in front of that;
 * with a node, or any, in front it is of keys.
 */
export function createStartPrompt(
  client: Prompt<ClientAction>,
  manage: Prompt<ManageAction>,
): Prompt<ClientAction | ManageAction> {
  return {
    table: {
      groups: [...client.table.groups, ...manage.table.groups],
      nodeIds: client.table.nodeIds,
    },
    help: {
      intro: `${client.help.intro} ${manage.help.intro}`,
      notes: [
        ...client.help.notes,
        ...manage.help.notes,
        "watch shows the cluster; any watch PREFIX shows changes of keys.",
      ],
    },
    nodes: client.nodes,
    style: client.style,
    ...(client.findKeys === undefined ? {} : { findKeys: client.findKeys }),
    execute: (target, action, signal, screen) =>
      isClientAction(client, action)
        ? client.execute(target, action, signal, screen)
        : manage.execute(target, action, signal, screen),
  };
}

/** Each action is named as its command. */
function isClientAction(
  client: Prompt<ClientAction>,
  action: ClientAction | ManageAction,
): action is ClientAction {
  if (action.op === "watch") return "family" in action;
  return findCommand(client.table, action.op, true) !== null;
}
