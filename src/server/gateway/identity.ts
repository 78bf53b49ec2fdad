/** The user at the other end of a connection, as far as it has proved who it is. */
import { ACCESS_NAME, SECRET_HOLDER, type AccessState, type Actor } from "../../store/index.ts";
import type { Connection } from "../../machine/ports/index.ts";
import type { SignedIn } from "./sign-in.ts";

export type Means = "password" | "secret" | "certificate" | "none";

export class Identity {
  readonly #isHolder: boolean;
  /** There is a secret, which the peer has not proved: it has no business here while access control is off. */
  readonly onlyWhileOn: boolean;
  readonly #commonName: string | null;
  readonly #onSignedIn: () => string | null;
  #signedIn: Actor | null = null;
  #endsMs = 0;

  /**
   * @param secret whether the handshake has proved the cluster's secret, or has not, or there is none
   * @param onSignedIn called when the peer has proved who it is. @returns why that does not help; null: it does
   */
  constructor(
    connection: Pick<Connection, "security">,
    secret: "proved" | "owed" | "none",
    onSignedIn: () => string | null = () => null,
  ) {
    this.#isHolder = secret === "proved";
    this.onlyWhileOn = secret === "owed";
    this.#onSignedIn = onSignedIn;
    // As in a token: a name that no user can have names no user. The empty name stands for a holder of the secret.
    const commonName = connection.security()?.commonName ?? "";
    this.#commonName = ACCESS_NAME.test(commonName) ? commonName : null;
  }

  /** @returns why the sign-in does not count: the connection's user stays the same */
  signedIn({ actor, lifetimeMs }: SignedIn, nowMs: number): string | null {
    if (actor === null) return null;
    if (this.#signedIn !== null && this.#signedIn.name !== actor.name) {
      return `user ${this.#signedIn.name} has signed in over this connection: another user takes another one`;
    }
    this.#signedIn = actor;
    this.#endsMs = nowMs + lifetimeMs;
    return this.#onSignedIn();
  }

  /** The peer was let in to sign in, and there is nothing to sign in to any more. */
  isShutOut({ isOn }: AccessState): boolean {
    return !isOn && this.onlyWhileOn;
  }

  /** Access control is on, and the peer has proved nothing that it asks for. A peer that has signed in once is no stranger any more. */
  isStranger({ isOn, users }: AccessState): boolean {
    if (!isOn || this.#isHolder || this.#signedIn !== null) return false;
    return this.#commonName === null || !users.has(this.#commonName);
  }

  /** A peer that has signed in is that user, whatever else it has proved. @returns null: no user */
  actor(nowMs: number): Actor | null {
    if (this.#signedIn !== null) return nowMs < this.#endsMs ? this.#signedIn : null;
    if (this.#isHolder) return SECRET_HOLDER;
    return this.#commonName === null ? null : { name: this.#commonName, generation: 0 };
  }

  means(access: AccessState, nowMs: number): Means {
    if (this.#signedIn !== null) return nowMs < this.#endsMs ? "password" : "none";
    if (this.#isHolder) return "secret";
    return this.#commonName !== null && access.users.has(this.#commonName) ? "certificate" : "none";
  }
}
