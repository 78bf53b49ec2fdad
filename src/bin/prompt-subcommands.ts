/** The commands of the prompts, as commands of the shell: one request each. Apart, because to list them takes the tables of the prompts. */
import { allCommands } from "../prompt/terminal/index.ts";
import { ACCESS_COMMANDS, KEY_COMMANDS, SETTING_COMMANDS } from "../prompt/commands/index.ts";
import { adminTable, type ManageAction, STATUS_COMMAND } from "../prompt/management/index.ts";
import type { Subcommand } from "./subcommand.ts";

/** The commands on users and roles of the management prompt, one in a process. */
export const ACCESS: readonly Subcommand[] = ACCESS_COMMANDS.map((spec) => ({
  name: spec.name,
  summary: spec.summary,
  load: async () => (await import("./access-command.ts")).accessCommand(spec),
}));

/** The commands of the client prompt, one request each. */
export const ONE_SHOTS: readonly Subcommand[] = KEY_COMMANDS.commands.map((spec) => ({
  name: spec.name,
  aliases: spec.aliases ?? [],
  synonyms: spec.synonyms ?? [],
  summary: spec.summary,
  load: async () => {
    const { oneShotCommand } = await import("./one-shot.ts");
    const { withClientPrompt } = await import("./client.ts");
    return oneShotCommand(spec, { name: "client", takesNode: true, open: withClientPrompt });
  },
}));

/** The state of the cluster and its settings, of the management prompt. */
export const CLUSTER_SHOTS: readonly Subcommand[] = [STATUS_COMMAND, ...SETTING_COMMANDS].map(
  (spec) => ({
    name: spec.name,
    synonyms: spec.synonyms ?? [],
    summary: spec.summary,
    load: async () => {
      const { oneShotCommand } = await import("./one-shot.ts");
      const { withAdminPrompt } = await import("./manage.ts");
      return oneShotCommand<ManageAction>(spec, {
        name: "manage",
        takesNode: false,
        open: withAdminPrompt,
      });
    },
  }),
);

/** Commands that only the management prompt has. */
export function isOfPrompt(name: string): boolean {
  return allCommands(adminTable([1, 2, 3])).some((spec) => spec.name === name);
}
