/** The error that ends a server, as a sentence: what happened, where, and what to do. Pure. */
import { KvError, StorageError, systemCode, tooManyFilesText } from "../../base/index.ts";
import { ListenError } from "../node/index.ts";
import { DiskFullError, TooManyFilesError } from "../../machine/ports/index.ts";

export interface FinalError {
  /** Stable: a code of StorageError or KvError, or one of the system, or BUG. */
  readonly code: string;
  readonly text: string;
  /** The program did not foresee it: then the stack helps. */
  readonly isBug: boolean;
}

/**
 * @param foreseen it was given as the reason to stop; otherwise it was thrown and not caught
 * @param dataDirectory absolute
 */
export function finalError(error: unknown, foreseen: boolean, dataDirectory: string): FinalError {
  if (error instanceof StorageError || error instanceof KvError) {
    return { code: error.code, text: error.message, isBug: false };
  }
  if (error instanceof DiskFullError) {
    const code = error instanceof TooManyFilesError ? "TOO_MANY_FILES" : "DISK_FULL";
    return { code, text: `${error.message}, then start this node again`, isBug: false };
  }
  if (error instanceof ListenError) return listenError(error);
  const code = systemCode(error);
  if (code !== null) return systemError(code, error as Error);
  if (foreseen && error instanceof Error && error.name === "Error") {
    return { code: "STOPPED", text: error.message, isBug: false };
  }
  const what = error instanceof Error ? error.message : String(error);
  const text =
    `this is a bug or a damaged disk: ${oneLine(what)}; keep ${dataDirectory} as it is and report it. ` +
    `Nothing was acknowledged after it; the node may be started again`;
  return { code: "BUG", text, isBug: true };
}

function systemError(code: string, error: Error): FinalError {
  if (code === "EMFILE" || code === "ENFILE") {
    return { code: "TOO_MANY_FILES", text: tooManyFilesText(code), isBug: false };
  }
  const text = `the system refused what this server cannot do without: ${oneLine(error.message)}. Set that right, then start this node again`;
  // Unforeseen all the same: the stack tells where it came from.
  return { code, text, isBug: true };
}

function listenError({ who, address, cause }: ListenError): FinalError {
  const code = systemCode(cause) ?? "LISTEN_FAILED";
  const { host, port } = address;
  const flag = who === "clients" ? "--port" : "--peer-port";
  const entry = "this node's entry in --peers or the cluster file";
  const text = ((): string => {
    switch (code) {
      case "EADDRINUSE":
        return (
          `port ${port} of ${host}, where ${who} are to connect, is taken by another process (${whoListens(port)} shows by ` +
          `which). Stop that one, or change the port: ${flag}, or ${entry}, everywhere alike`
        );
      case "EACCES":
      case "EPERM":
        return (
          `this user may not open port ${port} of ${host}, where ${who} are to connect (${code}): ports below 1024 are ` +
          `reserved. Take one from 1024 on: ${flag}, or ${entry}, everywhere alike`
        );
      case "EADDRNOTAVAIL":
        return (
          `${host}, where ${who} are to connect, is no address of this machine. Correct --host, or ${entry}: ` +
          `127.0.0.1 for this machine only, 0.0.0.0 for all of its addresses`
        );
      case "ENOTFOUND":
      case "EAI_AGAIN":
      case "EAI_FAIL":
      case "EAI_NONAME":
        return (
          `the name ${host}, where ${who} are to connect, cannot be turned into an address (${code}). Correct --host, or ` +
          `${entry}, or give an IP address`
        );
      case "EMFILE":
      case "ENFILE":
        return `cannot open port ${port} of ${host}: ${tooManyFilesText(code)}`;
      default: {
        const said = cause instanceof Error ? cause.message : String(cause);
        return `cannot open port ${port} of ${host}, where ${who} are to connect: ${oneLine(said)}. Correct --host or ${flag}, or ${entry}`;
      }
    }
  })();
  return { code, text, isBug: false };
}

/** A command for the reader's own terminal. */
function whoListens(port: number): string {
  switch (process.platform) {
    case "linux":
      return `ss -ltnp "sport = :${port}"`;
    case "win32":
      return `netstat -ano | findstr :${port}`;
    default:
      return `lsof -nP -iTCP:${port} -sTCP:LISTEN`;
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").slice(0, 500);
}
