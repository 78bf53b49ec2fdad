/** Which user may ask management for what: signing in, who is who, and what the audit log notes of it. */
import { KvError } from "../../base/index.ts";
import { rightsNow } from "../../store/index.ts";
import { deniedText, nameOf } from "../../replica/index.ts";
import {
  type AdminOp,
  type AdminRequest,
  type AdminResult,
  encodeAdminError,
  encodeAdminResult,
} from "../../protocol/admin/index.ts";
import { whoIs, type Asker } from "./admin-access.ts";
import { signInRecord, userOf } from "./audit-frame.ts";
import { subjectOf } from "./audit-request.ts";
import type { GatewayContext } from "./context.ts";
import type { Identity } from "./identity.ts";

/** Operations answered from this node's state; changes go through the log, and a backup waits for a moment that a quorum confirms. */
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
    const { onlyWhileOn } = identity;
    return { actor: identity.actor(this.#nowMs()), onlyWhileOn, remote };
  }

  whoIs({ identity }: Manager): AdminResult<"whoami"> {
    return whoIs(this.#context.replica.state.access, identity, this.#nowMs());
  }

  /**
   * Management is for root; any other user may only sign in and ask who he is. This node knows of a user only what has reached its state:
   * a node that hears no leader therefore tells that user nothing of the state. It still tells its own status, and still lets its faults
   * be taken away: that is the way out.
   * @throws KvError UNAUTHENTICATED or FORBIDDEN; NO_QUORUM
   */
  mayAsk(manager: Manager, request: AdminRequest): void {
    const { access } = this.#context.replica.state;
    const asker = this.askerOf(manager);
    const { actor } = asker;
    const rights = rightsNow(access, asker);
    const allowed = request.op === "whoami" || rights === null || rights.isRoot;
    // Monitoring programs ask for these several times a second, and they change nothing.
    const isLook =
      allowed &&
      (request.op === "status" || request.op === "getLinks" || request.op === "readBackup");
    if (!isLook) this.#audit(manager, userOf(actor), request, allowed);
    if (allowed) return this.mayBeTold(manager, request);
    throw rights.isKnown
      ? new KvError(
          "FORBIDDEN",
          `management is for users with the role root, and ${nameOf(actor)} has it not`,
        )
      : new KvError("UNAUTHENTICATED", deniedText(rights, actor));
  }

  /** @throws KvError NO_QUORUM when the cluster may have withdrawn the actor's rights and this node has not heard of it */
  mayBeTold(manager: Manager, { op }: AdminRequest): void {
    const { replica, options } = this.#context;
    const { actor } = this.askerOf(manager);
    // A holder of the secret needs no state to prove his rights.
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
      const record = signInRecord(user, manager.remote, answer);
      if (record !== null) this.#context.machine.audit?.record(record);
      if (answer instanceof KvError) return answered(encodeAdminError(id, answer));
      const { token: made, lifetimeMs } = answer;
      answered(encodeAdminResult(id, op, { token: made, lifetimeMs }));
    });
  }

  #audit(
    { remote: from }: Manager,
    user: string | null,
    request: AdminRequest,
    allowed: boolean,
  ): void {
    const operation = request.op === "changeAccess" ? request.params.change.kind : request.op;
    const { audit } = this.#context.machine;
    audit?.record({ user, from, operation, keys: subjectOf(request), allowed });
  }

  #nowMs(): number {
    return this.#context.machine.clock.now();
  }
}
