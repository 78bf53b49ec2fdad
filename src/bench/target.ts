/** What a load generator talks to. */
import type { KvClient } from "../client/kv-client.ts";

/** @param error a short code; null: it went well */
export type Finished = (error: string | null) => void;

/** `done` is called once for each request, never from within the call. */
export interface Target {
  /** @param lane who asks: requests of one lane go over the same connection */
  put(lane: number, key: Uint8Array, value: Uint8Array, done: Finished): void;
  get(lane: number, key: Uint8Array, local: boolean, done: Finished): void;
  close(): void;
}

export interface ClientAt {
  readonly client: KvClient;
  /** The only node it asks; null: as the client sees fit. */
  readonly node: number | null;
}

/** The public client, promises and all: what a program pays. */
export function createOmnikvTarget(clients: readonly ClientAt[]): Target {
  const at = (lane: number): ClientAt => {
    const chosen = clients[lane % clients.length];
    if (chosen === undefined) throw new Error("a target needs at least one client");
    return chosen;
  };
  const where = (node: number | null): { readonly node?: number } =>
    node === null ? {} : { node };
  return {
    put(lane, key, value, done) {
      const { client, node } = at(lane);
      settle(client.write(key, value, where(node)), done);
    },
    get(lane, key, local, done) {
      const { client, node } = at(lane);
      const consistency = local ? "local" : "linearizable";
      settle(client.read(key, { ...where(node), consistency }), done);
    },
    close() {
      for (const { client } of clients) client.close();
    },
  };
}

function settle(request: Promise<unknown>, finished: Finished): void {
  request.then(
    () => finished(null),
    (error: unknown) => finished(codeOf(error)),
  );
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return error instanceof Error ? error.message : String(error);
}
