/** Where the answer to a setting of the cluster goes: to whoever asked this node for it, once it holds here. */
import { errorCodeFromWire, KvError, type ErrorCode } from "../base/errors.ts";
import { STATUS } from "../kv/index.ts";
import { AnswerWriter, decodeAnswers } from "../wire/client.ts";
import type { Route } from "./route.ts";
import { RouteLoad } from "./route-load.ts";

/** Told once at most: null when the setting stands in the log and was applied at this node, within that turn. */
export type SettingDone = (error: KvError | null) => void;

/** @param done null: nobody waits for it */
export function settingRoute(id: number, done: SettingDone | null): Route {
  let isOpen = done !== null;
  return {
    id,
    // It is the clients' of this node to be told; a neighbour would answer for its own state.
    relayed: true,
    answers: new AnswerWriter(),
    load: new RouteLoad(),
    isOpen: () => isOpen,
    deliver: (frame) => {
      isOpen = false;
      done?.(errorIn(frame));
    },
  };
}

function errorIn(frame: Uint8Array): KvError | null {
  let error: KvError | null = null;
  const ignore = (): void => {};
  const failed = (code: ErrorCode, text: string): void => void (error = new KvError(code, text));
  decodeAnswers(frame, {
    appliedIdx: ignore,
    opened: ignore,
    value: ignore,
    missing: ignore,
    unread: ignore,
    write: (_session, _sequence, status) => {
      if (status !== STATUS.ok) failed(errorCodeFromWire(status), REFUSED_TEXT);
    },
    refused: (_session, _first, _count, code, text) => failed(code, text),
  });
  return error;
}

const REFUSED_TEXT = "the setting was decided and does not fit the state: nothing was changed";
