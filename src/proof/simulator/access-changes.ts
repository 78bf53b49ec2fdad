/** Changes of users and rights during a run: drawn with the plan, and asked of nodes as a manager would, one after the other. */
import {
  byteStringOf,
  byteStringOfText,
  encodeAccessChange,
  SECRET_HOLDER,
  type AccessChange,
} from "../../store/index.ts";
import { KvError } from "../../base/index.ts";
import type { Clock, Passwords, SeededRandom } from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { Coverage } from "./coverage.ts";
import type { History } from "./history.ts";
import type { SafetyChecker } from "./safety.ts";
import { settingName } from "./setting-name.ts";
import type { SimClock } from "./sim-clock.ts";

/** All keys that limited clients ask for begin with it. */
export const LIMITED_KEYS = "u/";
export const LIMITED_KEYS_COUNT = 6;
export const LIMITED_USERS = ["ann", "bob"] as const;

export interface TimedAccess {
  /** Not before. */
  readonly atMs: number;
  readonly change: AccessChange;
}

const RETRY_MS = 150;

export const passwordOf = (user: string): string => `of ${user}`;
const hashOf = (password: string): string => `plain ${password}`;

/** Passwords in a simulation need no protection. */
export function simPasswords(clock: Clock): Passwords {
  return {
    hash: (password, done) => void clock.after(2, () => done(hashOf(password))),
    verify: (password, hash, done) => void clock.after(2, () => done(hash === hashOf(password))),
    wallMs: () => clock.now(),
  };
}

export function drawAccess(random: SeededRandom, endMs: number): TimedAccess[] {
  if (!random.chance(0.3)) return [];
  const setUp: AccessChange[] = [
    addUser("root"),
    { kind: "grantRole", user: "root", role: "root" },
    ...LIMITED_USERS.map(addUser),
    { kind: "addRole", role: "one" },
    { kind: "addRole", role: "two" },
    permit(random),
    permit(random),
    { kind: "grantRole", user: "ann", role: "one" },
    { kind: "grantRole", user: "bob", role: "two" },
    { kind: "turnOn", tokenKey: "c2ltdWxhdGVk" },
  ];
  const later = Array.from({ length: random.between(3, 15) }, () => ({
    atMs: random.between(500, Math.max(600, endMs)),
    change: drawChange(random),
  })).sort((a, b) => a.atMs - b.atMs);
  return [...setUp.map((change) => ({ atMs: 0, change })), ...later];
}

function addUser(user: string): AccessChange {
  return { kind: "addUser", user, passwordHash: hashOf(passwordOf(user)) };
}

function drawChange(random: SeededRandom): AccessChange {
  const user = random.pick(LIMITED_USERS);
  const role = random.pick(["one", "two"]);
  const dice = random.below(100);
  if (dice < 30) return permit(random);
  if (dice < 55) return { kind: "forbid", role, ...range(random) };
  if (dice < 67) return { kind: "grantRole", user, role };
  if (dice < 79) return { kind: "revokeRole", user, role };
  if (dice < 89) return { kind: "setPassword", user, passwordHash: hashOf(passwordOf(user)) };
  if (dice < 93) return { kind: "deleteUser", user };
  if (dice < 96) return addUser(user);
  if (dice < 97) return { kind: "rotateTokenKey", tokenKey: "cm90YXRlZA==" };
  return dice < 98 ? { kind: "turnOff" } : { kind: "turnOn", tokenKey: "c2ltdWxhdGVk" };
}

function permit(random: SeededRandom): AccessChange {
  const may = random.pick(["read", "write", "both", "both"] as const);
  return { kind: "permit", role: random.pick(["one", "two"]), may, ...range(random) };
}

/** Few different ones, so that what is granted is also withdrawn. */
function range(
  random: SeededRandom,
): Pick<Extract<AccessChange, { kind: "permit" }>, "start" | "end"> {
  const from = random.pick([0, 0, 1, 3]);
  const to = random.pick([from + 1, 3, LIMITED_KEYS_COUNT]);
  return {
    start: byteStringOfText(`${LIMITED_KEYS}${from}`),
    end: byteStringOfText(`${LIMITED_KEYS}${Math.max(to, from + 1)}`),
  };
}

/** The part of a world that they need. */
export interface AccessWorld {
  readonly clock: SimClock;
  readonly coverage: Coverage;
  readonly history: History;
  readonly safety: Pick<SafetyChecker, "decided">;
  readonly nodes: readonly {
    readonly node: { readonly replica: Replica; wakeUp?(): void } | null;
  }[];
}

/** Each is asked for again until it is answered: a repetition is refused, or does the same once more. */
export function scheduleAccess(
  world: AccessWorld,
  changes: readonly TimedAccess[],
  random: SeededRandom,
  next = 0,
): void {
  const timed = changes[next];
  if (timed === undefined) return;
  const { clock, coverage, history, nodes } = world;
  const wait = Math.max(RETRY_MS / 3, timed.atMs - clock.now());
  clock.after(wait, () => {
    const replica = random.pick(nodes).node?.replica;
    let isOver = false;
    const goOn = (at: number): void => {
      if (isOver) return;
      isOver = true;
      scheduleAccess(world, changes, random, at);
    };
    clock.after(RETRY_MS, () => goOn(next));
    if (replica === undefined) return;
    const from = world.safety.decided.length;
    const name = settingName("access", byteStringOf(encodeAccessChange(timed.change)));
    try {
      replica.settings.changeAccess(timed.change, SECRET_HOLDER, (error) => {
        coverage.hit(`access: ${timed.change.kind} ${error === null ? "done" : error.code}`);
        const code = error?.code ?? null;
        history.settings.push({ name, code, from, to: replica.appliedIdx });
        // Requests from now on are judged by this state of rights or a later one.
        history.accessSeen.push({ mark: history.mark(), epoch: replica.state.access.epoch });
        goOn(next + 1);
      });
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      coverage.hit(`access: refused with ${error.code}`);
    }
  });
}
