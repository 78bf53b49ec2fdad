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
  // Made once: the generator must not be what is measured.
  const asked = clients.map(({ client, node }) => {
    const where = node === null ? {} : { node };
    return { client, where, local: { ...where, consistency: "local" as const } };
  });
  const at = (lane: number): (typeof asked)[number] => {
    const chosen = asked[lane % asked.length];
    if (chosen === undefined) throw new Error("a target needs at least one client");
    return chosen;
  };
  return {
    put(lane, key, value, done) {
      const { client, where } = at(lane);
      settle(client.write(key, value, where), done);
    },
    get(lane, key, local, done) {
      const { client, where, local: locally } = at(lane);
      settle(client.read(key, local ? locally : where), done);
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
