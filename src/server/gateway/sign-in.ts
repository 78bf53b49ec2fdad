/**
 * Signing in, and making hashes of passwords.
 *
 * Invariants:
 *   SIGNIN-1. One password is hashed at a time, and few wait, shared as SignInQueue says: an attacker who tries passwords takes one
 *       processor at most, never the event loop, and no other user's place.
 *   SIGNIN-2. A refused client is not told whether there is such a user, and cannot tell by the time that it takes.
 */
import { KvError, PASSWORD_LENGTH_MAX } from "../../base/index.ts";
import type { AccessState, Actor } from "../../store/index.ts";
import type { Passwords } from "../../machine/ports/index.ts";
import { SignInQueue, type Verdict } from "./sign-in-queue.ts";
import type { TokenKeyMaker } from "./token-key.ts";
import { makeToken, readToken, TOKEN_LIFETIME_MS } from "./tokens.ts";

export interface SignedIn {
  /** Null: access control is off, no user has to sign in, and there is no token. */
  readonly actor: Actor | null;
  readonly token: string;
  readonly lifetimeMs: number;
}

export type Proof = { readonly password: string } | { readonly token: string };

export interface SignInParts {
  /** Null: no user can sign in at this node. */
  readonly passwords: Passwords | null;
  readonly access: () => AccessState;
  readonly tokenKey: Pick<TokenKeyMaker, "make">;
  readonly nowMs: () => number;
}

export class SignIn {
  readonly #passwords: Passwords | null;
  readonly #access: () => AccessState;
  readonly #tokenKey: SignInParts["tokenKey"];
  readonly #queue: SignInQueue;
  /** The hash of a password that no user has (SIGNIN-2); made when somebody signs in first. */
  #decoy: string | null = null;

  constructor({ passwords, access, tokenKey, nowMs }: SignInParts) {
    this.#passwords = passwords;
    this.#access = access;
    this.#tokenKey = tokenKey;
    this.#queue = new SignInQueue(nowMs);
  }

  /**
   * @param remote the connection's address with its port
   * @param user null: with a token, whose name it has
   * @param done once; within this call where nothing has to be hashed
   */
  signIn(
    remote: string,
    user: string | null,
    proof: Proof,
    done: (result: SignedIn | KvError) => void,
  ): void {
    const passwords = this.#passwords;
    const access = this.#access();
    if (!access.isOn) return done({ actor: null, token: "", lifetimeMs: 0 });
    if (passwords === null) return done(new KvError("BAD_REQUEST", "nobody signs in at this node"));
    if ("password" in proof && proof.password.length > PASSWORD_LENGTH_MAX) {
      return done(
        new KvError("BAD_REQUEST", `a password has at most ${PASSWORD_LENGTH_MAX} characters`),
      );
    }
    if ("token" in proof) return done(this.#byToken(passwords, access, user, proof.token));
    const wrong = this.#queue.enter(
      { remote, user },
      (over) =>
        this.#check(passwords, user ?? "", proof.password, (actor) => {
          if (actor === "noMemory") {
            over(null);
            return done(noMemory());
          }
          over(actor === null ? "wrong" : "right");
          if (actor === null) done(refused(WRONG_TEXT));
          else this.#letIn(passwords, actor, done);
        }),
      done,
    );
    if (wrong !== null) done(wrong);
  }

  /** For a change of a password. @param done once, never within this call unless it is refused */
  hash(remote: string, password: string, done: (hash: string | KvError) => void): void {
    const passwords = this.#passwords;
    if (passwords === null) return done(new KvError("BAD_REQUEST", "no passwords at this node"));
    const wrong = this.#queue.enter(
      { remote, user: null },
      (over: (verdict: Verdict) => void) =>
        passwords.hash(password, (hash) => {
          over(null);
          done(hash ?? noMemory());
        }),
      done,
    );
    if (wrong !== null) done(wrong);
  }

  #byToken(
    passwords: Passwords,
    access: AccessState,
    user: string | null,
    token: string,
  ): SignedIn | KvError {
    const read = readToken(access, token);
    const nowMs = passwords.wallMs();
    if (read === null || nowMs >= read.endsMs) return refused(BAD_TOKEN_TEXT);
    const { actor, endsMs } = read;
    if (user !== null && user !== actor.name) return refused(OTHERS_TOKEN_TEXT);
    if (access.users.get(actor.name)?.generation !== actor.generation)
      return refused(BAD_TOKEN_TEXT);
    // A clock of another node may be ahead: no user stays signed in for longer than a token lives.
    return { actor, token, lifetimeMs: Math.min(TOKEN_LIFETIME_MS, endsMs - nowMs) };
  }

  /** @param done null: no user; "noMemory": nothing was compared */
  #check(
    passwords: Passwords,
    name: string,
    password: string,
    done: (actor: Actor | "noMemory" | null) => void,
  ): void {
    // SIGNIN-2. Whoever tries first waits for it, whichever name he tries.
    if (this.#decoy === null) {
      passwords.hash("", (made) => {
        this.#decoy = made;
        if (made === null) done("noMemory");
        else this.#check(passwords, name, password, done);
      });
      return;
    }
    const user = this.#access().users.get(name);
    const hash = user === undefined || user.passwordHash === "" ? this.#decoy : user.passwordHash;
    passwords.verify(password, hash, (isRight) => {
      if (isRight === null) return done("noMemory");
      const access = this.#access();
      const now = access.users.get(name);
      // The password may have been changed meanwhile.
      if (
        !isRight ||
        user === undefined ||
        now?.generation !== user.generation ||
        hash === this.#decoy
      ) {
        return done(null);
      }
      done({ name, generation: user.generation });
    });
  }

  /** Without a key no token is signed: otherwise any stranger could make one. */
  #letIn(passwords: Passwords, actor: Actor, done: (result: SignedIn | KvError) => void): void {
    const give = (error: KvError | null): void => {
      const access = this.#access();
      if (access.tokenKey === "") {
        return done(error ?? new KvError("NO_QUORUM", "the cluster has no key for tokens yet"));
      }
      const endsMs = passwords.wallMs() + TOKEN_LIFETIME_MS;
      done({ actor, token: makeToken(access, { actor, endsMs }), lifetimeMs: TOKEN_LIFETIME_MS });
    };
    if (this.#access().tokenKey === "") this.#tokenKey.make(give);
    else give(null);
  }
}

/** A hash takes megabytes. */
function noMemory(): KvError {
  return new KvError("OVERLOADED", "the node has no memory to hash a password: try again later");
}

function refused(text: string): KvError {
  return new KvError("UNAUTHENTICATED", text);
}

const WRONG_TEXT = "wrong user or password";
const OTHERS_TOKEN_TEXT = "the token is another user's: name the user whose token it is";
const BAD_TOKEN_TEXT =
  "the token has ended, or its user is gone or has another password: sign in with the password";
