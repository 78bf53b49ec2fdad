import { TLS_TROUBLE } from "./tls-trouble.ts";

const WRONG_PORT = "what listens there";

/** The server there speaks HTTP and does not know the request: a node has two ports, and users confuse their addresses. */
export function wrongPortText(wanted: "clients" | "nodes", status: number | undefined): string {
  const other = wanted === "nodes" ? "clients" : "nodes";
  return `${WRONG_PORT} answers with HTTP status ${status ?? "?"}: it is no port of omnikv for ${wanted}, but may be the one for ${other}`;
}

/**
 * Why a connection failed although a server listens there, so that to start one would not help.
 * @param message of the error; null: no server is known to be there
 */
export function troubleOfListener(message: string): string | null {
  const at = [TLS_TROUBLE, WRONG_PORT].map((mark) => message.indexOf(mark)).find((i) => i >= 0);
  return at === undefined ? null : message.slice(at);
}
