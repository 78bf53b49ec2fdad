/** `omnikv manage`: the management prompt. */
import { Command } from "commander";
import { createAdminClient } from "../api/index.ts";
import { nodeClock } from "../platform/node-clock.ts";
import { createAdminPrompt } from "../repl/admin-prompt.ts";
import { promptPassword } from "./ask-password.ts";
import { learnSettings } from "./learn-nodes.ts";
import {
  addPromptOptions,
  runPromptProcess,
  sleep,
  terminalStyle,
  type PromptFlags,
} from "./prompt-options.ts";

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

async function openAdminPrompt(flags: PromptFlags): Promise<void> {
  const { nodes, clusterId, secret, tls, timeoutMs, startCommand, credentials } =
    await learnSettings(flags);
  const client = createAdminClient({
    nodes,
    clusterId,
    secret,
    tls,
    timeoutMs,
    ...credentials,
  });
  const style = terminalStyle();
  const prompt = createAdminPrompt({
    client,
    nodes,
    timeoutMs,
    style,
    startCommand,
    now: () => nodeClock.now(),
    sleep,
    servers: null,
    password: promptPassword,
  });
  const ids = nodes.map(({ id }) => id).join(", ");
  try {
    await runPromptProcess(prompt, flags, {
      name: "manage",
      promptText: `${style.strong("manage")}> `,
      greeting: `omnikv management, nodes ${ids}. Type status, watch, "isolate 2", heal, "1 break_link 2", help or exit.`,
    });
  } finally {
    client.close();
  }
}
