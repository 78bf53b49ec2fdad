import { type ErrorCode, KvError } from "../../base/index.ts";
import { SECRET_HOLDER } from "../../store/index.ts";
import { innerRoute, type Replica, type Route } from "../../replica/index.ts";
import { decodeAnswers, decodeClientFrame, ReadsWriter } from "../../protocol/client/index.ts";

/** Any key: only the moment of the answer matters. */
const SOME_KEY = new Uint8Array([0]);

/**
 * Calls back once, in a turn in which this node's state holds every write that any node acknowledged before this call: the node makes a
 * linearizable read, as a client would, but never through another node, because the read would then tell of that node's state.
 * @param done with the error that a client would have got; it may look at the state within this call
 * @returns calls it off
 */
export function atConfirmedMoment(
  replica: Replica,
  done: (error: KvError | null) => void,
): () => void {
  return ask(replica, true, done);
}

/**
 * Calls back once, when this node could serve a client's read, itself or through a neighbour: nobody's rights are asked for.
 * @param done with the error that a client would have got
 * @returns calls it off
 */
export function whenServed(replica: Replica, done: (error: KvError | null) => void): () => void {
  return ask(replica, false, done);
}

function ask(
  replica: Replica,
  ownState: boolean,
  done: (error: KvError | null) => void,
): () => void {
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    replica.onRouteClosed(route);
  };
  const route: Route = innerRoute(
    replica.newRouteId(),
    // The key means nothing: no right is needed for it.
    SECRET_HOLDER,
    () => isOpen,
    (frame) => {
      const error = errorIn(frame);
      close();
      done(error);
    },
    ownState,
  );
  const writer = new ReadsWriter();
  writer.read(0, SOME_KEY);
  const frame = writer.take(false, 0);
  const decoded = decodeClientFrame(frame);
  if (decoded.kind === "reads") replica.onReads(route, frame, decoded);
  return close;
}

function errorIn(frame: Uint8Array): KvError | null {
  let error: KvError | null = null;
  const ignore = (): void => {};
  decodeAnswers(frame, {
    appliedIdx: ignore,
    write: ignore,
    opened: ignore,
    refused: ignore,
    value: ignore,
    missing: ignore,
    unread: (_: number, code: ErrorCode, text: string) => {
      error = new KvError(code, text);
    },
  });
  return error;
}
