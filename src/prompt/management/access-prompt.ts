/** Carries out the commands about users and roles. */
import { afterPrefix, KvError, printable, unreachable } from "../../base/index.ts";
import type { AdminParams, AdminResult } from "../../protocol/admin/index.ts";
import { wholeAccess } from "../../client/admin/index.ts";
import type { AccessAction, PasswordSource } from "../commands/index.ts";
import { askAny, askNodes } from "./ask-any.ts";
import { accessRefusal } from "./access-refusal.ts";
import type { ClusterOptions } from "./cluster-options.ts";

export interface AccessTold {
  readonly words: string;
  /** The words are a list, empty when there is nothing: how much is in it. */
  readonly total?: string;
  /** The words answer a question. Otherwise they say what was done. */
  readonly isAnswer?: true;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Access = AdminResult<"getAccess">;

/** @throws KvError when no node does it; BAD_REQUEST when a password cannot be had */
export async function runAccess(
  options: ClusterOptions,
  { request }: AccessAction,
  signal: AbortSignal,
): Promise<AccessTold> {
  switch (request.kind) {
    case "change":
      await changeAccess(options, request.change, signal);
      return { words: request.done, fields: {} };
    case "password": {
      const { change: kind, user, done } = request;
      const password = await passwordOf(options, request.password, user);
      await changeAccess(options, { kind, user, password }, signal);
      return { words: done, fields: {} };
    }
    case "whoami": {
      const who = await askAny(options, "whoami", {}, signal);
      const { permissions: _, ...fields } = who;
      return { words: whoText(who), fields, isAnswer: true };
    }
    case "status": {
      const { isOn } = await askAny(options, "whoami", {}, signal);
      const words = `access control is ${isOn ? "on" : "off"}`;
      return { words, fields: { isOn }, isAnswer: true };
    }
    case "users":
    case "roles":
    case "user":
    case "role": {
      const access = await askAccess(options, signal);
      const name = "name" in request ? request.name : null;
      return request.kind === "users" || request.kind === "user"
        ? users(access, name)
        : roles(access, name);
    }
    default:
      return unreachable(request, "request about users and roles");
  }
}

/** @throws KvError as `askAny` for the first page; as the node answers for the next ones */
async function askAccess(options: ClusterOptions, signal: AbortSignal): Promise<Access> {
  const { client, timeoutMs } = options;
  let node: number | null = null;
  return wholeAccess(async (params) => {
    if (node !== null) return client.call(node, "getAccess", params, { timeoutMs, signal });
    const answered = await askNodes(options, "getAccess", params, signal);
    node = answered.node;
    return answered.result;
  });
}

async function changeAccess(
  options: ClusterOptions,
  change: AdminParams<"changeAccess">["change"],
  signal: AbortSignal,
): Promise<void> {
  try {
    await askAny(options, "changeAccess", { change }, signal);
  } catch (error) {
    if (!(error instanceof KvError) || !error.definite) throw error;
    const text = accessRefusal(change, error.message);
    if (text === error.message) throw error;
    throw new KvError(error.code, text, { cause: error, definite: true });
  }
}

async function passwordOf(
  { password }: ClusterOptions,
  source: PasswordSource,
  user: string,
): Promise<string | null> {
  if (source.from === "none") return null;
  if (password !== undefined) return password(source, user);
  throw new KvError("BAD_REQUEST", "there is no way to be told a password here");
}

function whoText({ isOn, user, by, roles: own }: AdminResult<"whoami">): string {
  const has = own.length === 0 ? "no role" : `roles ${own.join(", ")}`;
  const who =
    by === "secret"
      ? "the cluster's secret: who proves it may do everything"
      : user === null
        ? "nobody: sign in with --user"
        : `user ${printable(user)}, by ${by}, with ${has}`;
  return isOn ? who : `${who} (access control is off: everybody may do everything)`;
}

function users({ users: all }: Access, name: string | null): AccessTold {
  const shown = all.filter((user) => name === null || user.name === name);
  if (name !== null && shown.length === 0) throw missing("user", name);
  const names = shown.map((user) => printable(user.name));
  const width = Math.max(0, ...names.map(({ length }) => length));
  const lines = shown.map(({ hasPassword, roles: held }, i) => {
    const what = held.length === 0 ? "no role" : held.map(printable).join(", ");
    return `${(names[i] ?? "").padEnd(width)}  ${what}${hasPassword ? "" : " (no password)"}`;
  });
  const total = totalText(shown.length, "user");
  return { words: lines.join("\n"), total, fields: { users: shown } };
}

function totalText(count: number, what: "user" | "role"): string {
  if (count === 1) return `1 ${what}`;
  return `${count === 0 ? "no" : count} ${what}s`;
}

/** Of "write", the longest of what a role may. */
const MAY_WIDTH = 5;

function roles({ roles: all }: Access, name: string | null): AccessTold {
  const shown = all.filter((role) => name === null || role.name === name);
  if (name !== null && shown.length === 0) throw missing("role", name);
  const names = shown.map((role) => printable(role.name));
  const width = Math.max(0, ...names.map(({ length }) => length));
  const lines = shown.flatMap(({ permissions }, i) => {
    const what = permissions.map(
      ({ may, start, end }) => `${may.padEnd(MAY_WIDTH)} ${rangeText(start, end)}`,
    );
    // The name stands in front of the first one.
    return (what.length === 0 ? ["may do nothing yet"] : what).map(
      (each, line) => `${(line === 0 ? (names[i] ?? "") : "").padEnd(width)}  ${each}`,
    );
  });
  const fields = {
    roles: shown.map(({ name: own, permissions }) => ({
      name: own,
      permissions: permissions.map(({ may, start, end }) => ({
        may,
        start: textOf(start),
        end: end === null ? null : textOf(end),
      })),
    })),
  };
  return { words: lines.join("\n"), total: totalText(shown.length, "role"), fields };
}

function rangeText(start: Uint8Array, end: Uint8Array | null): string {
  const from = JSON.stringify(textOf(start));
  const next = Uint8Array.of(...start, 0);
  if (end !== null && Buffer.compare(end, next) === 0) return `key ${from}`;
  const after = afterPrefix(start);
  const isPrefix =
    end === null ? after === null : after !== null && Buffer.compare(end, after) === 0;
  if (isPrefix) return `prefix ${from}`;
  return end === null ? `from ${from} on` : `from ${from} to ${JSON.stringify(textOf(end))}`;
}

function textOf(bytes: Uint8Array): string {
  return printable(Buffer.from(bytes).toString("utf8"));
}

function missing(what: string, name: string): KvError {
  return new KvError("BAD_REQUEST", `there is no ${what} "${printable(name)}"`);
}
