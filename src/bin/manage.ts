/** `omnikv manage`: the management prompt. */
import { Command } from "commander";
import { createAdminClient } from "../client/api/index.ts";
import { createAdminPrompt } from "../prompt/index.ts";
import type { ManageAction } from "../prompt/management/index.ts";
import { promptPassword } from "./options/ask-password.ts";
import type { Prompt } from "../prompt/terminal/index.ts";
import { learnSettings } from "./nodes/learn-nodes.ts";
import {
  addPromptOptions,
  clientOptionsOf,
  promptPartsOf,
  refuseWords,
  runPromptProcess,
  sleep,
  type PromptFlags,
  type PromptSettings,
} from "./options/prompt-options.ts";
import { signInFirst } from "./nodes/sign-in.ts";

const EXAMPLES = `
Examples:
  omnikv manage                              a prompt: status, isolate 2, heal, 1 break_link 2, help
  omnikv manage --exec status                all nodes in a table
  omnikv manage --exec 'quorum-loss; wait-leader; status; heal'
  omnikv manage --exec 'partition 1,2 | 3'   groups that do not hear each other
  omnikv manage --exec 'watch 30' --json     every change of half a minute, for programs`;

export function manageCommand(): Command {
  const command = new Command("manage").description(
    "Shows how the nodes are, and breaks and restores links: one by one, or as a scenario.",
  );
  return addPromptOptions(command, EXAMPLES).action(openAdminPrompt);
}

async function openAdminPrompt(flags: PromptFlags, own: Command): Promise<void> {
  refuseWords(own);
  const settings = await learnSettings(flags);
  await signInFirst(settings, flags);
  const ids = settings.nodes.map(({ id }) => id).join(", ");
  await withAdminPrompt(settings, (prompt) =>
    runPromptProcess(prompt, flags, {
      name: "manage",
      promptText: `${prompt.style.strong("manage")}> `,
      greeting: `omnikv management, nodes ${ids}. Type status, watch, "isolate 2", heal, "1 break_link 2", help or exit.`,
    }),
  );
}

/** A client for as long as `use` takes. */
export async function withAdminPrompt(
  settings: PromptSettings,
  use: (prompt: Prompt<ManageAction>) => Promise<void>,
): Promise<void> {
  const client = createAdminClient(clientOptionsOf(settings));
  const parts = { client, sleep, servers: null, password: promptPassword };
  const prompt = createAdminPrompt({ ...parts, ...promptPartsOf(settings) });
  try {
    await use(prompt);
  } finally {
    client.close();
  }
}
