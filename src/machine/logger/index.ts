/** Log lines of a process, for people and for programs. */
export { createConsoleLogger } from "./console-logger.ts";
