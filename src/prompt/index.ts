/** The prompts, for the command line. */
export { createAdminPrompt } from "./admin-prompt.ts";
export { askMembers, type GetPage, type Members } from "./ask-members.ts";
export { createClientPrompt } from "./client-prompt.ts";
export { statusOf } from "./failure.ts";
export {
  type CompletedCommand,
  type CompletedOption,
  completionScript,
  type Shell,
  SHELLS,
  type Value,
} from "./shell-completion.ts";
export { createStartPrompt } from "./start-prompt.ts";
