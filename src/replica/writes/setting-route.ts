/** Brings the outcome of a setting of the cluster to the manager that asked this node for it, once the setting holds here. */
import { type ErrorCode, errorCodeFromWire, KvError } from "../../base/index.ts";
import { accessRefusalText, STATUS, type Actor } from "../../store/index.ts";
import type { Command } from "../../store/operations/index.ts";
import { decodeAnswers } from "../../protocol/client/index.ts";
import { forbiddenText, unknownText } from "../requests/denied.ts";
import { innerRoute } from "../requests/inner-route.ts";
import type { Route } from "../requests/route.ts";

/** Called once at most: with null when the setting was applied at this node, within that turn. */
export type SettingDone = (error: KvError | null) => void;

/**
 * @param actor the user that asks for it
 * @param done null: no caller waits for it
 */
export function settingRoute(
  id: number,
  command: Pick<Command, "kind">,
  actor: Actor | null,
  done: SettingDone | null,
): Route {
  let isOpen = done !== null;
  const refused = (code: ErrorCode, revision: number): string => {
    if (code === "FORBIDDEN") return forbiddenText(actor);
    if (code === "UNAUTHENTICATED") return unknownText(actor);
    return command.kind === "access" ? accessRefusalText(revision) : REFUSED_TEXT;
  };
  return innerRoute(
    id,
    actor,
    () => isOpen,
    (frame) => {
      isOpen = false;
      done?.(errorIn(frame, refused));
    },
  );
}

/** @param textOf the text for an error that the application gave, with the revision in its answer */
function errorIn(
  frame: Uint8Array,
  textOf: (code: ErrorCode, revision: number) => string,
): KvError | null {
  let error: KvError | null = null;
  const ignore = (): void => {};
  const failed = (code: ErrorCode, text: string): void => void (error = new KvError(code, text));
  decodeAnswers(frame, {
    appliedIdx: ignore,
    opened: ignore,
    value: ignore,
    missing: ignore,
    unread: ignore,
    write: (_session, _sequence, status, revision) => {
      if (status === STATUS.ok) return;
      const code = errorCodeFromWire(status);
      failed(code, textOf(code, revision));
    },
    refused: (_session, _first, _count, code, text) => failed(code, text),
  });
  return error;
}

const REFUSED_TEXT = "the setting was decided and does not fit the state: nothing was changed";
