/** A connection that could not even be begun. */
import type { Connection, DialHandlers } from "../ports/index.ts";

/** @returns one that has ended already; the handlers are told so in a later turn, as of any dial that fails */
export function failedConnection(
  remote: string,
  reason: string,
  handlers: DialHandlers,
): Connection {
  setImmediate(() => handlers.onClose(reason));
  const nothing = (): void => {};
  return {
    remote,
    security: () => null,
    send: nothing,
    bufferedBytes: () => 0,
    unfinishedBytes: () => 0,
    admit: nothing,
    estrange: nothing,
    pause: nothing,
    resume: nothing,
    close: nothing,
    destroy: nothing,
  };
}
