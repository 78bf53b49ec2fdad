/**
 * Changes of the state that managers ask this node for: settings of the cluster, and also users and compactions of the history. It answers
 * each when it holds here, with the value that holds.
 *
 * Invariant: every request is answered once. A request that is lost on its way is answered with TIMEOUT, of unknown outcome: it is not
 * proposed a second time, and the manager may ask again, unless others have changed the same in between.
 */
import { KvError, unreachable } from "../../base/index.ts";
import { DEFAULT_QUOTA_BYTES, type KvState } from "../../store/index.ts";
import { nameOf, type SettingDone } from "../../replica/index.ts";
import {
  type AdminParams,
  type AdminRequest,
  type AdminResult,
  encodeAdminResult,
} from "../../protocol/admin/index.ts";
import { changeAccess, type Asker } from "./admin-access.ts";
import { atConfirmedMoment } from "./confirmed-moment.ts";
import type { GatewayContext } from "./context.ts";

export type SettingRequest = Extract<
  AdminRequest,
  { readonly op: "setQuota" | "setHistory" | "compact" | "changeAccess" }
>;

/** Less than clients of management wait by default. */
const WAIT_MS = 4000;
/** Where a majority can be reached it confirms a moment within a few heartbeats. */
const CONFIRM_MS = 1500;

/**
 * @param answered called once, perhaps within this call: with the answer's frame, or the error that kept the setting from holding
 * @throws KvError when it cannot be proposed
 */
export function changeSetting(
  context: GatewayContext,
  request: SettingRequest,
  asker: Asker,
  answered: (result: Uint8Array | KvError) => void,
): void {
  const { replica, machine, wake } = context;
  const { clock, logger } = machine;
  const { settings } = replica;
  const { actor } = asker;
  const by = nameOf(actor);
  let isOver = false;
  const over = (result: Uint8Array | KvError): void => {
    if (isOver) return;
    isOver = true;
    cancel();
    answered(result);
  };
  const done: SettingDone = (error) => over(error ?? resultOf(request, replica.state));
  const cancel = clock.after(WAIT_MS, () => over(new KvError("TIMEOUT", LATE_TEXT)));
  try {
    switch (request.op) {
      case "setQuota":
        settings.setQuota(request.params.bytes, actor, done);
        logger.warn("a quota for keys and values was proposed", { ...request.params, by });
        break;
      case "setHistory":
        settings.setHistory(request.params, actor, done);
        logger.warn("a bound of the history was proposed", { ...request.params, by });
        break;
      case "compact":
        settings.compact(request.params.revision, actor, done);
        logger.info("compaction was proposed", { ...request.params, by });
        break;
      case "changeAccess": {
        const { change } = request.params;
        changeAccess(context, change, asker, (error) => {
          if (error === null)
            logger.warn("users or roles have changed", { ...whatChanges(change), by });
          done(error);
        });
        break;
      }
      default:
        return unreachable(request, "setting");
    }
  } catch (error) {
    isOver = true;
    cancel();
    throw error;
  }
  wake();
}

function resultOf({ id, op }: SettingRequest, state: KvState): Uint8Array {
  return op === "setQuota" || op === "changeAccess"
    ? encodeAdminResult(id, op, {})
    : encodeAdminResult(id, op, historyOf(state));
}

/**
 * Tells the settings at a moment that a quorum confirms: of the two bounds of the history a manager sets one, and repeats the other as it was
 * told. Where no quorum is heard it tells them too, and says that nobody confirmed them: they may be what an operator must see.
 * @param tell called once, perhaps within this call, with what the node's state holds then
 */
export function askSettings(
  { replica, machine, wake }: GatewayContext,
  tell: (settings: AdminResult<"getSettings">) => void,
): void {
  let isOver = false;
  const over = (confirmed: boolean): void => {
    if (isOver) return;
    isOver = true;
    cancel();
    callOff();
    tell(settingsOf(replica.state, confirmed));
  };
  let cancel = (): void => {};
  let callOff = (): void => {};
  if (replica.standing().kind === "cutOff") return over(false);
  cancel = machine.clock.after(CONFIRM_MS, () => over(false));
  callOff = atConfirmedMoment(replica, (error) => over(error === null));
  wake();
}

function settingsOf(state: KvState, confirmed: boolean): AdminResult<"getSettings"> {
  const { quotaBytes, quotaIsSet } = state;
  const quotaDefault = DEFAULT_QUOTA_BYTES;
  return { confirmed, quotaBytes, quotaIsSet, quotaDefault, history: historyOf(state) };
}

export function historyOf({ historyBound, cells, revision }: KvState): AdminResult<"getHistory"> {
  const { revisions, bytes, effective } = historyBound;
  const { oldest, bytes: keptBytes } = cells.history;
  return {
    revisions,
    bytes,
    oldest,
    revision,
    keptBytes,
    revisionsMax: effective.revisions,
    bytesMax: effective.bytes,
  };
}

const LATE_TEXT = `it was proposed, and did not come to hold at this node within ${WAIT_MS} ms: it may hold already, or later`;

/** The kind and the subject of a change, never a password or a key of tokens. */
function whatChanges(
  change: AdminParams<"changeAccess">["change"],
): Readonly<Record<string, string>> {
  return {
    what: change.kind,
    ...("user" in change ? { user: change.user } : {}),
    ...("role" in change ? { role: change.role } : {}),
    ...("may" in change ? { may: change.may } : {}),
  };
}
