/** Whether the password is right, before a prompt opens. */
import { createAdminClient } from "../../client/api/index.ts";
import { KvError } from "../../base/index.ts";
import { timeLimit } from "../../machine/runtime/index.ts";
import {
  clientOptionsOf,
  type PromptFlags,
  type PromptSettings,
} from "../options/prompt-options.ts";

/** Where no node answers, the prompt opens as it does without a user: whoever sits there does not wait for long. */
const TIMEOUT_MS = 2000;

/**
 * Signs in as who was named, where a prompt is to open at a terminal. Commands say by themselves what is wrong.
 * @throws KvError UNAUTHENTICATED when a node says that user or password are wrong
 */
export async function signInFirst(settings: PromptSettings, flags: PromptFlags): Promise<void> {
  const isPrompt = flags.command === undefined && flags.exec === undefined;
  if (!isPrompt || !process.stdin.isTTY || settings.credentials.user === undefined) return;
  const client = createAdminClient(clientOptionsOf(settings));
  const limit = timeLimit(Math.min(TIMEOUT_MS, settings.timeoutMs));
  try {
    for (const { id } of settings.nodes) {
      try {
        await client.call(id, "whoami", {}, { signal: limit.signal });
        return;
      } catch (error) {
        if (!(error instanceof KvError) || error.code === "UNAUTHENTICATED") throw error;
      }
    }
  } finally {
    limit.end();
    client.close();
  }
}
