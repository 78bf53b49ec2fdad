/** Words that a shell is to offer in the place of a command's first argument, where they are no commands of their own. */
import type { Command } from "commander";

const WORDS = new WeakMap<Command, readonly string[]>();

export function offerWords(command: Command, words: readonly string[]): Command {
  WORDS.set(command, words);
  return command;
}

export function offeredWords(command: Command): readonly string[] {
  return WORDS.get(command) ?? [];
}
