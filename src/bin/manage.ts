/** `omnikv manage`: the management prompt. */
import { Command } from "commander";
import { createAdminClient } from "../api/index.ts";
import { nodeClock } from "../platform/node-clock.ts";
import { createAdminPrompt } from "../repl/admin-prompt.ts";
import {
  addPromptOptions,
  readSettings,
  runPromptProcess,
  terminalStyle,
  type PromptFlags,
} from "./prompt-options.ts";

const EXAMPLES = `
Examples:
  omnikv manage                              a prompt: 1 get_links 0, 1 break_link 2, all status, help
  omnikv manage -c '1 break_link 2'          one command
  omnikv manage --json -c 'all status'       for programs`;

export function manageCommand(): Command {
  const command = new Command("manage").description(
    "Shows how the nodes are, and breaks and restores links between them.",
  );
  return addPromptOptions(command, EXAMPLES).action(openAdminPrompt);
}

async function openAdminPrompt(flags: PromptFlags): Promise<void> {
  const { nodes, clusterId, secret, timeoutMs, startCommand } = readSettings(flags);
  const client = createAdminClient({
    nodes,
    clusterId,
    secret,
    timeoutMs,
  });
  const style = terminalStyle();
  const prompt = createAdminPrompt({
    client,
    nodes,
    timeoutMs,
    style,
    startCommand,
    now: () => nodeClock.now(),
  });
  const ids = nodes.map(({ id }) => id).join(", ");
  try {
    await runPromptProcess(prompt, flags, {
      name: "manage",
      promptText: `${style.strong("manage")}> `,
      greeting: `omnikv management, nodes ${ids}. Type "all status", "1 get_links 0", "1 break_link 2", help or exit.`,
    });
  } finally {
    client.close();
  }
}
