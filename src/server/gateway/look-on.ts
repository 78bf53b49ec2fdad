/**
 * Who may see the operators' pages over HTTP (metrics, checks with their reasons) while access control is on: users who may manage, by
 * their password (Basic) or their token (Bearer).
 */
import { mayManage, type AccessState } from "../../store/index.ts";
import { addressOf, KvError } from "../../base/index.ts";
import type { Audit } from "../../machine/ports/index.ts";

import { signInRecord } from "./audit-frame.ts";
import type { Proof, SignIn } from "./sign-in.ts";

export interface LookOnParts {
  readonly signIn: SignIn;
  readonly access: () => AccessState;
  readonly audit: Audit | undefined;
  readonly nowMs: () => number;
}

const SEEN_MS = 10 * 60_000;
const SEEN_MAX = 1024;

export class LookOn {
  /** When a sign-in was taken down, by address and user; the oldest first. */
  readonly #seenMs = new Map<string, number>();
  readonly #parts: LookOnParts;

  constructor(parts: LookOnParts) {
    this.#parts = parts;
  }

  /** While access control is off no reader has to say who he is. */
  get isForRoot(): boolean {
    return this.#parts.access().isOn;
  }

  /**
   * @param header of `Authorization`, as it came
   * @param remote the address of the reader, with its port
   * @param done once, perhaps within this call
   */
  judge(header: string | undefined, remote: string, done: (mayLook: boolean) => void): void {
    const { signIn, access, audit } = this.#parts;
    const said = credentialsIn(header ?? "");
    if (said === null) return done(false);
    signIn.signIn(remote, said.user, said.proof, (result) => {
      const mayLook = !(result instanceof KvError) && mayManage(access(), result);
      const record = signInRecord(said.user, remote, result);
      if (record !== null && (!record.allowed || this.#isNews(remote, record.user))) {
        audit?.record(record);
      }
      // Allowed requests are left out, as those of management are.
      if (record?.allowed === true && !mayLook) {
        audit?.record({ ...record, operation: "look on", allowed: false });
      }
      done(mayLook);
    });
  }

  /** Monitoring programs sign in with every request: one sign-in of a user from an address is taken down in so much time. */
  #isNews(remote: string, user: string | null): boolean {
    const who = `${addressOf(remote)} ${user}`;
    const nowMs = this.#parts.nowMs();
    const lastMs = this.#seenMs.get(who) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - lastMs < SEEN_MS) return false;
    this.#seenMs.delete(who);
    this.#seenMs.set(who, nowMs);
    const [oldest] = this.#seenMs.keys();
    if (this.#seenMs.size > SEEN_MAX && oldest !== undefined) this.#seenMs.delete(oldest);
    return true;
  }
}

function credentialsIn(
  header: string,
): { readonly user: string | null; readonly proof: Proof } | null {
  const [, scheme = "", given = ""] = /^(Basic|Bearer) +([\w.~+/=-]{1,2048})$/i.exec(header) ?? [];
  if (scheme === "") return null;
  if (scheme.toLowerCase() === "bearer") return { user: null, proof: { token: given } };
  const text = Buffer.from(given, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return null;
  return { user: text.slice(0, colon), proof: { password: text.slice(colon + 1) } };
}
