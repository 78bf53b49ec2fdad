/** The commands of the prompts, as commands of the shell: one request each. Apart, because to list them takes the tables of the prompts. */
import { ACCESS_COMMANDS, KEY_COMMANDS, SETTING_COMMANDS } from "../prompt/commands/index.ts";
import type { ManageAction } from "../prompt/management/index.ts";
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
  summary: spec.summary,
  load: async () => {
    const { oneShotCommand } = await import("./one-shot.ts");
    const { withClientPrompt } = await import("./client.ts");
    return oneShotCommand(spec, { name: "client", takesNode: true, open: withClientPrompt });
  },
}));

/** Settings of the cluster, of the management prompt. */
export const SETTING_SHOTS: readonly Subcommand[] = SETTING_COMMANDS.map((spec) => ({
  name: spec.name,
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
}));
