/** Commands about users, roles and permissions: at the management prompt, and in the shell as `omnikv user …` and so on. */
import { afterPrefix, printable } from "../../base/index.ts";
import { ACCESS_NAME, ACCESS_NAME_TEXT } from "../../store/commands/index.ts";
import type { AccessAction, AccessRequest, PasswordSource } from "./access-action.ts";
import {
  type CommandSpec,
  eachOf,
  type ParsedArguments,
  quote,
  type Token,
  UsageError,
} from "../terminal/index.ts";

type Spec = CommandSpec<AccessAction>;

const PASSWORD_NOTE =
  "A password is asked for at the terminal, or comes from standard input (omnikv user …) or a file; it is never among the words of a command.";

/** How many words stand behind the verb, and what they make. */
interface Verb {
  readonly form: string;
  readonly words: number;
  readonly build: (names: readonly string[], args: ParsedArguments) => AccessRequest;
}

const USER_VERBS: Readonly<Record<string, Verb>> = {
  add: {
    form: "add NAME [--password-file FILE | --no-password]",
    words: 1,
    build: ([user = ""], args) => {
      const password = sourceIn(args);
      const done = `user ${user} is there`;
      return { kind: "password", change: "addUser", user, password, done };
    },
  },
  delete: {
    form: "delete NAME",
    words: 1,
    build: ([user = ""]) => change({ kind: "deleteUser", user }, `user ${user} is gone`),
  },
  list: { form: "list", words: 0, build: () => ({ kind: "users" }) },
  get: { form: "get NAME", words: 1, build: ([name = ""]) => ({ kind: "user", name }) },
  passwd: {
    form: "passwd NAME [--password-file FILE | --no-password]",
    words: 1,
    build: ([user = ""], args) => {
      const password = sourceIn(args);
      const done = `user ${user} has a new password, and whoever signed in with the old one is out`;
      return { kind: "password", change: "setPassword", user, password, done };
    },
  },
  "grant-role": {
    form: "grant-role NAME ROLE",
    words: 2,
    build: ([user = "", role = ""]) =>
      change({ kind: "grantRole", user, role }, `user ${user} has the role ${role}`),
  },
  "revoke-role": {
    form: "revoke-role NAME ROLE",
    words: 2,
    build: ([user = "", role = ""]) =>
      change({ kind: "revokeRole", user, role }, `user ${user} has the role ${role} no more`),
  },
};

const ROLE_VERBS: Readonly<Record<string, Verb>> = {
  add: {
    form: "add ROLE",
    words: 1,
    build: ([role = ""]) => change({ kind: "addRole", role }, `role ${role} is there`),
  },
  delete: {
    form: "delete ROLE",
    words: 1,
    build: ([role = ""]) => change({ kind: "deleteRole", role }, `role ${role} is gone`),
  },
  list: { form: "list", words: 0, build: () => ({ kind: "roles" }) },
  get: { form: "get ROLE", words: 1, build: ([name = ""]) => ({ kind: "role", name }) },
  grant: {
    form: "grant ROLE read|write|both KEY [--prefix | --to END | --from-key]",
    words: 3,
    build: ([role = "", may = ""], args) => {
      if (may !== "read" && may !== "write" && may !== "both") {
        throw new UsageError(`what the role may do is read, write or both, got "${may}"`);
      }
      const range = rangeIn(args.positionals[3], args);
      return change(
        { kind: "permit", role, may, ...range },
        `role ${role} may ${words(may)} ${keysIn(args)}`,
      );
    },
  },
  revoke: {
    form: "revoke ROLE KEY [--prefix | --to END | --from-key]",
    words: 2,
    build: ([role = ""], args) => {
      const range = rangeIn(args.positionals[2], args);
      return change({ kind: "forbid", role, ...range }, `role ${role} has that permission no more`);
    },
  },
};

const AUTH_VERBS: Readonly<Record<string, Verb>> = {
  on: {
    form: "on",
    words: 0,
    build: () =>
      change({ kind: "turnOn" }, "access control is on: who asks must sign in from now on"),
  },
  off: {
    form: "off",
    words: 0,
    build: () => change({ kind: "turnOff" }, "access control is off: everybody may do everything"),
  },
  rotate: {
    form: "rotate",
    words: 0,
    build: () =>
      change(
        { kind: "rotateTokenKey" },
        "the key of tokens is another one: all tokens have ended, and who signed in signs in anew",
      ),
  },
  status: { form: "status", words: 0, build: () => ({ kind: "status" }) },
};

const PASSWORD_FLAGS = [
  { name: "--password-file", value: "FILE", help: "the password is the first line of this file" },
  { name: "--no-password", help: "none: the user comes with a certificate of this common name" },
] as const;

const RANGE_FLAGS = [
  { name: "--prefix", help: "all keys that begin with KEY" },
  { name: "--to", value: "END", help: "all keys from KEY on and below END" },
  { name: "--from-key", help: "all keys from KEY on" },
] as const;

export const ACCESS_COMMANDS: readonly Spec[] = [
  spec("user", "users: adds, deletes, lists them, their passwords and roles", USER_VERBS, {
    details: [PASSWORD_NOTE],
    examples: ["user add ann --password-file ann.txt", "user grant-role ann shop", "user list"],
    flags: PASSWORD_FLAGS,
  }),
  spec("role", "roles: which keys whoever has one may read and write", ROLE_VERBS, {
    details: ["The role root is always there, and may do everything."],
    examples: ["role add shop", "role grant shop both shop/ --prefix", "role get shop"],
    flags: RANGE_FLAGS,
  }),
  spec(
    "auth",
    "turns access control on or off, or ends all tokens, for the whole cluster",
    AUTH_VERBS,
    {
      details: [
        "It is turned on only when the user root has a password and the role root.",
        "auth rotate takes another key for tokens: whoever signed in, or has a token, signs in anew with the password.",
      ],
      examples: ["auth status", "auth on"],
    },
  ),
  {
    name: "whoami",
    forms: [""],
    summary: "who this program is to the cluster, and by what",
    examples: ["whoami"],
    arguments: [],
    count: [0, 0],
    build: () => ({ op: "access", name: "whoami", request: { kind: "whoami" } }),
  },
];

function spec(
  name: string,
  summary: string,
  verbs: Readonly<Record<string, Verb>>,
  rest: Pick<Spec, "examples" | "details" | "flags">,
): Spec {
  const most = Math.max(...Object.values(verbs).map(({ words }) => words));
  return {
    name,
    forms: Object.values(verbs).map(({ form }) => form),
    summary,
    arguments: ["text"],
    words: eachOf(Object.keys(verbs)),
    count: [1, 1 + most],
    ...rest,
    build: (args) => {
      const [verb, ...names] = args.positionals.map(({ text }) => text);
      const known = verb !== undefined && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
      if (known === undefined) {
        const all = Object.keys(verbs).join(", ");
        throw new UsageError(`${name} what? One of ${all}, got "${verb ?? ""}"`);
      }
      if (names.length !== known.words) throw new UsageError(`${name} ${known.form}`);
      checkNames(known, names);
      return { op: "access", name: `${name} ${verb ?? ""}`, request: known.build(names, args) };
    },
  };
}

/** Before a password is asked for. */
function checkNames({ form }: Verb, names: readonly string[]): void {
  const called = form.split(" ").slice(1);
  for (const [i, name] of names.entries()) {
    const what = called[i] ?? "";
    if ((what !== "NAME" && what !== "ROLE") || ACCESS_NAME.test(name)) continue;
    throw new UsageError(`${what} is ${ACCESS_NAME_TEXT}, got "${printable(name)}"`);
  }
}

function change(
  wanted: Extract<AccessRequest, { readonly kind: "change" }>["change"],
  done: string,
): AccessRequest {
  return { kind: "change", change: wanted, done };
}

function words(may: "read" | "write" | "both"): string {
  return may === "both" ? "read and write" : may;
}

function sourceIn({ flags }: ParsedArguments): PasswordSource {
  const file = flags.get("--password-file");
  const isNone = flags.has("--no-password");
  if (file !== undefined && isNone) {
    throw new UsageError("--password-file and --no-password: give one of them");
  }
  if (isNone) return { from: "none" };
  return file === undefined ? { from: "ask" } : { from: "file", path: file.text };
}

/** The range of `rangeIn` in words: a user who forgot --prefix must see it. */
function keysIn({ positionals, flags }: ParsedArguments): string {
  const key = quote(positionals[3]?.bytes ?? new Uint8Array());
  if (flags.has("--prefix")) return `all keys that begin with ${key}`;
  if (flags.has("--from-key")) return `all keys from ${key} on`;
  const to = flags.get("--to");
  return to === undefined
    ? `the key ${key}`
    : `all keys from ${key} on and below ${quote(to.bytes)}`;
}

function rangeIn(
  token: Token | undefined,
  { flags }: ParsedArguments,
): { start: Uint8Array; end: Uint8Array | null } {
  const start = token?.bytes ?? new Uint8Array();
  const given = RANGE_FLAGS.filter(({ name }) => flags.has(name));
  if (given.length > 1) throw new UsageError("--prefix, --to and --from-key: give one of them");
  if (flags.has("--prefix")) return { start, end: afterPrefix(start) };
  if (flags.has("--from-key")) return { start, end: null };
  const to = flags.get("--to");
  if (to === undefined) {
    if (start.length === 0) throw new UsageError('KEY is empty: all keys are "" --prefix');
    return { start, end: Uint8Array.of(...start, 0) };
  }
  if (Buffer.compare(start, to.bytes) >= 0) throw new UsageError("END comes after KEY");
  return { start, end: to.bytes };
}
