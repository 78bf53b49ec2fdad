/** Web sockets, loaded when the first connection is made: a program that imports the client may never make one. */
import { requireWs } from "./require-ws.cjs";

export type Ws = ReturnType<typeof requireWs>;

/** A variable is the only way to tell `ws`, which looks at it when it is loaded. */
const WITHOUT_NATIVE = "WS_NO_BUFFER_UTIL";

/** With the native code that unmasks frames, unless the process loaded `ws` without it before. */
export const wsOfServers: () => Ws = requireWs;

/** Without it: a client has nothing to unmask, and should load no native code. No other code sees the variable. */
export function wsOfClients(): Ws {
  const before = process.env[WITHOUT_NATIVE];
  process.env[WITHOUT_NATIVE] = "1";
  try {
    return requireWs();
  } finally {
    if (before === undefined) delete process.env[WITHOUT_NATIVE];
    else process.env[WITHOUT_NATIVE] = before;
  }
}

/** @returns why it cannot be had, in words for whoever bundled the program */
export function withoutWs(error: unknown): string {
  const cause = error instanceof Error ? error.message : String(error);
  return `the package "ws" could not be loaded (${cause}); a bundler must leave it outside, or make CommonJS of the program`;
}
