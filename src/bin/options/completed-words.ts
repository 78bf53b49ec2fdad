/** Words that a shell is to offer in the place of a command's arguments, where they are no commands of their own. */
import type { Command } from "commander";
import type { Words } from "../../prompt/terminal/index.ts";

const WORDS = new WeakMap<Command, Words>();

export function offerWords(command: Command, words: Words): Command {
  WORDS.set(command, words);
  return command;
}

export function offeredWords(command: Command): Words {
  return WORDS.get(command) ?? {};
}
