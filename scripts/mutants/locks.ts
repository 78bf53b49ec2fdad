/** Bugs in leases, locks and elections of the client: two holders, no order, a holder that believes too long. */
import { patch, type Mutant } from "./mutant.ts";

const REQUEST = "src/client/locks/lock-request.ts";
const HAND_OVER = "src/client/locks/hand-over.ts";
const PROTOCOL = ["test/client/locks/lock-request.test.ts"];
const LEASES = ["test/client/leases/leases.test.ts"];

export const LOCKS: readonly Mutant[] = [
  {
    name: "a lock is taken from those who hold it",
    breaks: "two hold an exclusive lock at one revision",
    patches: [
      patch(
        REQUEST,
        "compare: [{ key: this.#waitKey, createRevision: this.#since }, none(excluding)],",
        "compare: [{ key: this.#waitKey, createRevision: this.#since }],",
      ),
    ],
    by: PROTOCOL,
  },
  {
    name: "a lock is taken past those who wait",
    breaks: "whoever comes in the right moment is served first",
    patches: [
      patch(
        REQUEST,
        "compare: [none(waitPrefix(place, others)), none(heldPrefix(place, others))],",
        "compare: [none(heldPrefix(place, others))],",
      ),
    ],
    by: PROTOCOL,
  },
  {
    name: "all who wait try when the lock is free",
    breaks: "of those who wait whoever is fastest is served, and a release wakes all of them",
    patches: [
      patch(
        REQUEST,
        'this.#step = key === null ? this.#holder() : { do: "wait", key, since: this.#since };',
        "this.#step = this.#holder();",
      ),
    ],
    by: PROTOCOL,
  },
  {
    name: "a lock is handed over that was lost",
    breaks: "two hold an exclusive lock at one revision: who has stolen it, and who was handed it",
    patches: [patch(HAND_OVER, "{ key, createRevision: token },", "")],
    by: PROTOCOL,
  },
  {
    name: "a lock is handed over to whoever has left",
    breaks: "nobody knows that it is held, until its lease ends",
    patches: [
      patch(HAND_OVER, "{ key: next.key, createRevision: next.createRevision },", ""),
      patch(HAND_OVER, "{ key: next.key, lease: heir.lease },", ""),
    ],
    by: PROTOCOL,
  },
  {
    name: "a lease counts from the answer",
    breaks: "a holder believes in a lease that has ended at the nodes",
    patches: [
      patch(
        "src/client/leases/lease-keeper.ts",
        "lease.acknowledged(sentMs, outcome);",
        "lease.acknowledged(this.clock.now() + 0 * sentMs, outcome);",
      ),
    ],
    by: LEASES,
  },
  {
    name: "what is over is revived by a late answer",
    breaks: "a lease that was lost is had again",
    patches: [
      patch(
        "src/client/leases/lease-time.ts",
        "if (this.isOver(nowMs) || sentMs <= this.#sentMs) return;",
        "if (nowMs < 0 || sentMs <= this.#sentMs) return;",
      ),
    ],
    by: ["test/client/leases/lease-time.test.ts"],
  },
  {
    name: "a lost lease is told by its timer only",
    breaks: "a program that was paused goes on as if it held its lease",
    patches: [
      patch("src/client/terms/checked-signal.ts", "if (!wasAborted()) check();", "void check;"),
    ],
    by: LEASES,
  },
];
