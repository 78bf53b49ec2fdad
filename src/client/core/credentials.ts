/** How a client says who it is: a user with a password, or with a token that another program got for it. */
import { KvError, PASSWORD_LENGTH_MAX } from "../../base/index.ts";
import { ACCESS_NAME, ACCESS_NAME_TEXT } from "../../store/commands/index.ts";
import { badSecret } from "./asked-secret.ts";
import type { Clock } from "../../machine/ports/index.ts";
import type { SignInAnswer, SignInRequest } from "../../protocol/client/index.ts";

/** Asked at each sign-in, so that a program goes on when its password changes; while it throws, what it returned last counts. */
export type ClientPassword = string | (() => string);

export interface CredentialOptions {
  /** Who this client is, where access control is on. */
  readonly user?: string;
  /** The user's password. A function is asked at each sign-in; while it throws, what it returned last counts. */
  readonly password?: ClientPassword;
  /** In place of a password; good until it ends, and not renewed. */
  readonly token?: string;
}

/** @throws KvError BAD_REQUEST that names the option, and never shows the password or token */
export function checkCredentials({ user, password, token }: CredentialOptions): void {
  const wrong = (text: string): KvError => new KvError("BAD_REQUEST", text);
  if (user !== undefined && (typeof user !== "string" || !ACCESS_NAME.test(user))) {
    throw wrong(`user: expected ${ACCESS_NAME_TEXT}`);
  }
  for (const [name, given] of Object.entries({ password, token })) {
    if (given === undefined || (name === "password" && typeof given === "function")) continue;
    const max = name === "password" ? PASSWORD_LENGTH_MAX : 2 * PASSWORD_LENGTH_MAX;
    if (typeof given !== "string" || given === "" || given.length > max) {
      throw wrong(`${name}: expected a text of 1 to ${max} characters`);
    }
  }
  if (password !== undefined && token !== undefined) {
    throw wrong("password and token both say who the user is: give one of them");
  }
  if (user === undefined && (password !== undefined || token !== undefined)) {
    throw wrong("user: expected the name of the user whose password or token it is");
  }
  if (user !== undefined && password === undefined && token === undefined) {
    throw wrong("password: expected that of the user, or a token");
  }
}

/** @throws KvError BAD_REQUEST, or what the function throws */
function said(password: () => unknown): string {
  const text = password();
  const isFit =
    typeof text === "string" &&
    text !== "" &&
    text.length <= PASSWORD_LENGTH_MAX &&
    text.isWellFormed();
  if (isFit) return text;
  const expected = `a function that returns a text of 1 to ${PASSWORD_LENGTH_MAX} characters`;
  throw badSecret("password", expected, text);
}

/** One for all links of a client: a token that one link got by the password serves the others. */
export class Credentials {
  readonly #clock: Clock;
  readonly #user: string;
  readonly #password: ClientPassword | null;
  readonly #givenToken: string | null;
  #token: string | null = null;
  #lastPassword: string | null = null;
  /** What the function of the password threw, if the last request is by what it had returned before. */
  thrown: unknown = null;
  #freshUntilMs = 0;

  private constructor(clock: Clock, { user = "", password, token }: CredentialOptions) {
    this.#clock = clock;
    this.#user = user;
    this.#password = password ?? null;
    this.#givenToken = token ?? null;
  }

  /** Null: this client says nothing. */
  static of(clock: Clock, options: CredentialOptions): Credentials | null {
    return options.user === undefined ? null : new Credentials(clock, options);
  }

  get canRenew(): boolean {
    return this.#password !== null;
  }

  /**
   * A token as long as there is a fresh one: it costs the node nothing.
   * @throws KvError BAD_REQUEST when the function of the password has never returned any and returns none now, or what it throws then
   */
  request(): SignInRequest {
    const user = this.#user;
    this.thrown = null;
    if (this.#token !== null && this.#clock.now() < this.#freshUntilMs) {
      return { user, proof: { token: this.#token } };
    }
    if (this.#password === null) return { user, proof: { token: this.#givenToken ?? "" } };
    const password =
      typeof this.#password === "function" ? this.#ask(this.#password) : this.#password;
    return { user, proof: { password } };
  }

  #ask(password: () => string): string {
    try {
      this.#lastPassword = said(password);
    } catch (error) {
      // Its file is being replaced, perhaps.
      if (this.#lastPassword === null) throw error;
      this.thrown = error;
    }
    return this.#lastPassword;
  }

  /** @param request the one that the node answered */
  answered({ proof }: SignInRequest, answer: SignInAnswer | KvError): void {
    if (answer instanceof KvError) {
      if ("token" in proof) this.forget();
    } else if ("password" in proof && answer.token !== "") {
      this.#token = answer.token;
      this.#freshUntilMs = this.#clock.now() + answer.lifetimeMs / 2;
    }
  }

  /** The next request is by the password. */
  forget(): void {
    this.#token = null;
  }
}
