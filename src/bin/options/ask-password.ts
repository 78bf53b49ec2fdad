/** Passwords for commands: from a file, from the terminal without showing them, or from standard input. Never from arguments. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { KvError } from "../../base/index.ts";
import type { ClusterOptions } from "../../prompt/management/index.ts";
import { readPrivateFile } from "../../server/config/index.ts";

/** @throws KvError BAD_REQUEST that names the flag and the file, and never shows what is in it */
export function passwordIn(path: string, flag = "--password-file"): string {
  const text = Buffer.from(readPrivateFile(path, flag, "a password")).toString("utf8");
  const [line = ""] = text.split(/\r?\n/);
  if (line !== "") return line;
  throw new KvError(
    "BAD_REQUEST",
    `${flag}: ${path} begins with an empty line: the password is the first one`,
  );
}

/** What is typed at the terminal, or comes over standard input, line by line. Empty at the end. */
export interface TypedLines {
  next(): Promise<string>;
  close(): void;
}

/**
 * For a command that is going to ask, before it does something that takes time: from now on the terminal shows nothing of what is typed,
 * and `askPassword` gets it.
 * @returns null where there is no terminal
 */
export function hideTyping(): TypedLines | null {
  return process.stdin.isTTY ? linesOf(true) : null;
}

/**
 * The first line of standard input; at a terminal it is asked for and not shown.
 * @param twice a new password: the user cannot see it, so he types it twice
 * @param typed of `hideTyping`, which its owner closes; null: begin here
 * @throws KvError BAD_REQUEST when there is none, or the two differ
 */
export async function askPassword(
  user: string,
  twice: boolean,
  typed: TypedLines | null = null,
): Promise<string> {
  const isTerminal = process.stdin.isTTY;
  const lines = typed ?? linesOf(isTerminal);
  try {
    const ask = async (text: string): Promise<string> => {
      if (isTerminal) process.stderr.write(text);
      const line = await lines.next();
      if (isTerminal) process.stderr.write("\n");
      return line;
    };
    const password = await ask(`password of ${user}: `);
    if (password === "") throw new KvError("BAD_REQUEST", `the password of ${user} is empty`);
    if (twice && isTerminal && (await ask("once more: ")) !== password) {
      throw new KvError("BAD_REQUEST", "the two passwords differ: nothing was done");
    }
    return password;
  } finally {
    if (typed === null) lines.close();
  }
}

function linesOf(isTerminal: boolean): TypedLines {
  // The password must not be echoed: the output goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output, terminal: isTerminal });
  const waiting: ((line: string) => void)[] = [];
  const read: string[] = [];
  let ended = false;
  reader.on("line", (line) => {
    const next = waiting.shift();
    if (next === undefined) read.push(line);
    else next(line);
  });
  reader.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  reader.on("close", () => {
    ended = true;
    for (const next of waiting.splice(0)) next("");
  });
  return {
    next: () => {
      const line = read.shift();
      if (line !== undefined || ended) return Promise.resolve(line ?? "");
      return new Promise((resolve) => waiting.push(resolve));
    },
    close: () => reader.close(),
  };
}

/** At a prompt, which reads the terminal itself. */
export const promptPassword: NonNullable<ClusterOptions["password"]> = async (source, user) => {
  if (source.from === "file") return passwordIn(source.path);
  const text = `name a file that holds the password: --password-file FILE. In a shell \`omnikv user passwd ${user}\` asks for it`;
  throw new KvError("BAD_REQUEST", text);
};
