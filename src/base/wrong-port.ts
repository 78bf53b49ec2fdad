import { TLS_TROUBLE } from "./tls-trouble.ts";

const WRONG_PORT = "what listens there";

/** What listens there speaks HTTP and knows nothing of what was wanted: a node has two ports, and addresses mix them up. */
export function wrongPortText(wanted: "clients" | "nodes", status: number | undefined): string {
  const other = wanted === "nodes" ? "clients" : "nodes";
  return `${WRONG_PORT} answers with HTTP status ${status ?? "?"}: it is no port of omnikv for ${wanted}, but may be the one for ${other}`;
}

/**
 * Why a connection failed although somebody listens there, so that to start a server would not help.
 * @param message of the error; null: nobody is known to be there
 */
export function troubleOfListener(message: string): string | null {
  const at = [TLS_TROUBLE, WRONG_PORT].map((mark) => message.indexOf(mark)).find((i) => i >= 0);
  return at === undefined ? null : message.slice(at);
}
