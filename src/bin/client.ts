/** `omnikv client`: the client prompt. */
import { Command } from "commander";
import { createClient } from "../client/api/index.ts";
import type { ClientAction } from "../prompt/commands/index.ts";
import type { Prompt } from "../prompt/terminal/index.ts";
import { createClientPrompt } from "../prompt/index.ts";
import { learnSettings } from "./nodes/learn-nodes.ts";
import {
  addPromptOptions,
  clientOptionsOf,
  promptPartsOf,
  refuseWords,
  runPromptProcess,
  type PromptFlags,
  type PromptSettings,
} from "./options/prompt-options.ts";
import { signInFirst } from "./nodes/sign-in.ts";

const EXAMPLES = `
Examples:
  omnikv client                                a prompt: 1 write 35 hello, 2 read 35, help
  omnikv client -c '1 write a b; 2 read a'     commands as an argument
  printf '1 write a b\\n2 read a\\n' | omnikv client   commands from a pipe, one a line
  omnikv client --json -c 'read a'             for programs; without a node any of them answers`;

export function clientCommand(): Command {
  const command = new Command("client").description(
    "Reads and writes keys: at a prompt, from a pipe, or from the command line.",
  );
  return addPromptOptions(command, EXAMPLES).action(async (flags: PromptFlags, own: Command) => {
    refuseWords(own);
    const settings = await learnSettings(flags);
    await signInFirst(settings, flags);
    await openClientPrompt(settings, flags);
  });
}

async function openClientPrompt(settings: PromptSettings, flags: PromptFlags): Promise<void> {
  const ids = settings.nodes.map(({ id }) => id).join(", ");
  await withClientPrompt(settings, (prompt) =>
    runPromptProcess(prompt, flags, {
      name: "client",
      promptText: `${prompt.style.strong("omnikv")}> `,
      greeting: `omnikv client, nodes ${ids}. Type "1 write 35 hello", "2 read 35", help or exit.`,
    }),
  );
}

/** A client for as long as `use` takes. */
export async function withClientPrompt(
  settings: PromptSettings,
  use: (prompt: Prompt<ClientAction>) => Promise<void>,
): Promise<void> {
  const client = createClient({ ...clientOptionsOf(settings), failFast: true });
  const prompt = createClientPrompt({ client, ...promptPartsOf(settings) });
  try {
    await use(prompt);
  } finally {
    client.close();
  }
}
