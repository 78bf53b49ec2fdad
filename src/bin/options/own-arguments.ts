/** Whether the arguments of this process are those that the shell gave it. */
import { readFileSync } from "node:fs";
import { KvError } from "../../base/index.ts";

/** Node.js puts it in the place of bytes that are no UTF-8. */
const REPLACEMENT = "\ufffd";

/**
 * An argument that was no UTF-8 has been changed before this program sees it: it would name another key, file or user.
 * @throws KvError BAD_REQUEST that says which
 */
export function checkArguments(args: readonly string[]): void {
  const suspect = args.findIndex((arg) => arg.includes(REPLACEMENT));
  if (suspect === -1 || areAsGiven()) return;
  throw new KvError(
    "BAD_REQUEST",
    `argument ${suspect + 1} is no UTF-8, and would be changed: the prompts take other bytes, written as "\\xHH"`,
  );
}

/** The character itself may have been meant. Only Linux tells; elsewhere it is taken for what it mostly is. */
function areAsGiven(): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(readFileSync("/proc/self/cmdline"));
    return true;
  } catch {
    return false;
  }
}
