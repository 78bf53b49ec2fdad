/** Who may ask management for what: signing in, who is who, and what is written down of it. */
import { KvError } from "../../base/index.ts";
import { mayManage, rightsOf, type Actor } from "../../store/index.ts";
import { nameOf, unknownText } from "../../replica/index.ts";
import {
  type AdminAccessChange,
  type AdminOp,
  type AdminRequest,
  type AdminResult,
  encodeAdminError,
  encodeAdminResult,
} from "../../protocol/admin/index.ts";
import { rangeOf, whoIs, type Asker } from "./admin-access.ts";
import { claimedName, shown, userOf } from "./audit-frame.ts";
import type { GatewayContext } from "./context.ts";
import type { Identity } from "./identity.ts";

/** Answered from this node's state; what changes it goes through the log, and a backup waits for a moment that a quorum confirms. */
const TELLS_OF_STATE: ReadonlySet<AdminOp> = new Set([
  "listKeys",
  "getAccess",
  "getSettings",
  "getHistory",
]);

/** A connection of management. */
interface Manager {
  readonly identity: Identity;
  readonly remote: string;
}

export class AdminUsers {
  readonly #context: GatewayContext;

  constructor(context: GatewayContext) {
    this.#context = context;
  }

  askerOf({ identity, remote }: Manager): Asker {
    return { actor: identity.actor(this.#nowMs()), remote };
  }

  whoIs({ identity }: Manager): AdminResult<"whoami"> {
    return whoIs(this.#context.replica.state.access, identity, this.#nowMs());
  }

  /**
   * Management is for root: what anybody may do is to sign in and to ask who he is. Of a user this node knows what it has heard: one that
   * hears no leader tells nothing of the state by that. How it stands itself it tells, and its faults can be taken away: that is
   * the way out.
   * @throws KvError UNAUTHENTICATED or FORBIDDEN; NO_QUORUM
   */
  mayAsk(manager: Manager, request: AdminRequest): void {
    const { access } = this.#context.replica.state;
    const { actor } = this.askerOf(manager);
    const allowed = request.op === "whoami" || mayManage(access, actor);
    // Programs that look on ask for these several times a second, and nothing comes of it.
    const isLook =
      allowed &&
      (request.op === "status" || request.op === "getLinks" || request.op === "readBackup");
    if (!isLook) this.#audit(manager, userOf(actor), request, allowed);
    if (allowed) return this.#mayBeTold(actor, request);
    const { isKnown } = rightsOf(access, actor);
    throw isKnown
      ? new KvError(
          "FORBIDDEN",
          `management is for users with the role root, and ${nameOf(actor)} has it not`,
        )
      : new KvError("UNAUTHENTICATED", unknownText(actor));
  }

  /** @throws KvError NO_QUORUM when the actor's rights may have been withdrawn behind this node's back */
  #mayBeTold(actor: Actor | null, { op }: AdminRequest): void {
    const { replica, options } = this.#context;
    // Whoever knows the secret needs no state to say so.
    const isUser = replica.state.access.isOn && actor?.name !== "";
    if (!isUser || !TELLS_OF_STATE.has(op) || replica.standing().kind !== "cutOff") return;
    throw new KvError(
      "NO_QUORUM",
      `node ${options.nodeId} hears no leader, and so not whether ${nameOf(actor)} may still ask for this: ask another node`,
    );
  }

  /** @param answered once, with the answer's frame; perhaps within this call */
  signIn(
    manager: Manager,
    request: Extract<AdminRequest, { readonly op: "signIn" }>,
    answered: (frame: Uint8Array) => void,
  ): void {
    const { id, op, params } = request;
    const { user, password, token } = params;
    const proof = token === null ? { password: password ?? "" } : { token };
    this.#context.signIn.signIn(manager.remote, user, proof, (result) => {
      const wrong =
        result instanceof KvError ? null : manager.identity.signedIn(result, this.#nowMs());
      const answer = wrong === null ? result : new KvError("BAD_REQUEST", wrong);
      this.#audit(manager, claimedName(user), request, !(answer instanceof KvError));
      if (answer instanceof KvError) return answered(encodeAdminError(id, answer));
      const { token: made, lifetimeMs } = answer;
      answered(encodeAdminResult(id, op, { token: made, lifetimeMs }));
    });
  }

  #audit({ remote }: Manager, user: string | null, request: AdminRequest, allowed: boolean): void {
    const operation = request.op === "changeAccess" ? request.params.change.kind : request.op;
    const subject = request.op === "changeAccess" ? subjectOf(request.params.change) : null;
    this.#context.machine.audit?.record({ user, from: remote, operation, keys: subject, allowed });
  }

  #nowMs(): number {
    return this.#context.machine.clock.now();
  }
}

/** For the audit log: whom it is about, and of a permission what it permits where. */
function subjectOf(change: AdminAccessChange): string | null {
  const where = "start" in change ? shown(rangeOf(change)) : null;
  const words = [
    "user" in change ? change.user : null,
    "role" in change ? change.role : null,
    "may" in change ? change.may : null,
    where,
  ];
  const said = words.filter((word) => word !== null);
  return said.length === 0 ? null : said.join(" ");
}
