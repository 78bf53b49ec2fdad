/**
 * Makes the key that signs tokens, where the cluster has none: a cluster that was restored from a backup begins so (access.ts, ACCESS-4).
 * The first user to sign in has to wait until the log has the key.
 */
import { KvError } from "../../base/index.ts";
import {
  SECRET_HOLDER,
  TOKEN_KEY_BYTES,
  type AccessChange,
  type Actor,
} from "../../store/index.ts";
import type { Clock, Random } from "../../machine/ports/index.ts";
import type { SettingDone } from "../../replica/index.ts";

/** Less than clients wait for a sign-in. */
const WAIT_MS = 2000;

export interface TokenKeyParts {
  readonly clock: Pick<Clock, "after">;
  readonly random: Random;
  /** @throws KvError when it cannot be proposed */
  readonly propose: (change: AccessChange, actor: Actor, done: SettingDone) => void;
}

/** When several nodes make a key, its place in the log decides which holds: all nodes get the same from there. */
export function newTokenKey(random: Random): string {
  return Buffer.from(random.bytes(TOKEN_KEY_BYTES)).toString("base64");
}

export class TokenKeyMaker {
  readonly #parts: TokenKeyParts;
  /** Null: none is being made. */
  #waiting: ((error: KvError | null) => void)[] | null = null;

  constructor(parts: TokenKeyParts) {
    this.#parts = parts;
  }

  /** @param done called once, perhaps within this call: why this node has got no key; null: look whether there is one now */
  make(done: (error: KvError | null) => void): void {
    if (this.#waiting !== null) return void this.#waiting.push(done);
    this.#waiting = [done];
    const over = (error: KvError | null): void => {
      const waiting = this.#waiting ?? [];
      this.#waiting = null;
      cancel();
      for (const one of waiting) one(error);
    };
    let isOver = false;
    const once = (error: KvError | null): void => {
      if (isOver) return;
      isOver = true;
      over(error);
    };
    const { clock, random, propose } = this.#parts;
    const cancel = clock.after(WAIT_MS, () => once(new KvError("NO_QUORUM", LATE_TEXT)));
    try {
      const change = { kind: "makeTokenKey", tokenKey: newTokenKey(random) } as const;
      // Another node may have been quicker: the key in the state counts.
      propose(change, SECRET_HOLDER, () => once(null));
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      once(error);
    }
  }
}

const LATE_TEXT =
  "the cluster has no key for tokens yet, as after a restore, and this node reaches no leader to make one";
