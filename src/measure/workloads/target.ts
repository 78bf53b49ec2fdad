/** What a load generator talks to. */

/** @param error a short code; null: it went well */
export type Finished = (error: string | null) => void;

/** `done` is called once for each request, never from within the call. */
export interface Target {
  /** @param caller who asks: requests of one caller go over the same connection */
  put(caller: number, key: Uint8Array, value: Uint8Array, done: Finished): void;
  get(caller: number, key: Uint8Array, local: boolean, done: Finished): void;
  close(): void;
}

/** @param finished told once the request has settled */
export function settle(request: Promise<unknown>, finished: Finished): void {
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
