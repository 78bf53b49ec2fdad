/** Who may ask management for what: signing in, who is who, and what is written down of it. */
import { KvError } from "../../base/index.ts";
import { mayManage, rightsOf } from "../../store/index.ts";
import { nameOf, unknownText } from "../../replica/index.ts";
import {
  type AdminAccessChange,
  type AdminRequest,
  type AdminResult,
  encodeAdminError,
  encodeAdminResult,
} from "../../protocol/admin/index.ts";
import { whoIs, type Asker } from "./admin-access.ts";
import { userOf } from "./audit-frame.ts";
import type { GatewayContext } from "./context.ts";
import type { Identity } from "./identity.ts";

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
   * Management is for root: what anybody may do is to sign in and to ask who he is.
   * @throws KvError UNAUTHENTICATED or FORBIDDEN
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
    if (allowed) return;
    const { isKnown } = rightsOf(access, actor);
    throw isKnown
      ? new KvError(
          "FORBIDDEN",
          `management is for users with the role root, and ${nameOf(actor)} has it not`,
        )
      : new KvError("UNAUTHENTICATED", unknownText(actor));
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
      this.#audit(manager, user, request, !(answer instanceof KvError));
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

/** For the audit log: whom it is about. */
function subjectOf(change: AdminAccessChange): string | null {
  const names = ["user" in change ? change.user : null, "role" in change ? change.role : null];
  const named = names.filter((name) => name !== null);
  return named.length === 0 ? null : named.join(" ");
}
