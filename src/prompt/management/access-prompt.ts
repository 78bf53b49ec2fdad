/** Carries out the commands about users and roles. */
import { afterPrefix, KvError, printable, unreachable } from "../../base/index.ts";
import type { AdminOp, AdminParams, AdminResult } from "../../protocol/admin/index.ts";
import type { AccessAction, PasswordSource } from "../commands/index.ts";
import type { ClusterOptions } from "./cluster-options.ts";

export interface AccessTold {
  readonly words: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Access = AdminResult<"getAccess">;

/** @throws KvError of the last node that was asked; BAD_REQUEST when a password cannot be had */
export async function runAccess(
  options: ClusterOptions,
  { request }: AccessAction,
  signal: AbortSignal,
): Promise<AccessTold> {
  switch (request.kind) {
    case "change":
      await askAny(options, "changeAccess", { change: request.change }, signal);
      return { words: request.done, fields: {} };
    case "password": {
      const { change: kind, user, done } = request;
      const password = await passwordOf(options, request.password, user);
      await askAny(options, "changeAccess", { change: { kind, user, password } }, signal);
      return { words: done, fields: {} };
    }
    case "whoami": {
      const who = await askAny(options, "whoami", {}, signal);
      const { permissions: _, ...fields } = who;
      return { words: whoText(who), fields };
    }
    case "status": {
      const { isOn } = await askAny(options, "whoami", {}, signal);
      return { words: `access control is ${isOn ? "on" : "off"}`, fields: { isOn } };
    }
    case "users":
    case "roles":
    case "user":
    case "role": {
      const access = await askAny(options, "getAccess", {}, signal);
      const name = "name" in request ? request.name : null;
      return request.kind === "users" || request.kind === "user"
        ? users(access, name)
        : roles(access, name);
    }
    default:
      return unreachable(request, "request about users and roles");
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

/** Asks the first node that can answer: the question holds for all. */
async function askAny<Op extends AdminOp>(
  { client, nodes, timeoutMs }: ClusterOptions,
  op: Op,
  params: AdminParams<Op>,
  signal: AbortSignal,
): Promise<AdminResult<Op>> {
  let last: KvError | null = null;
  for (const { id } of nodes) {
    try {
      return await client.call(id, op, params, { timeoutMs, signal });
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      // A change that may have been made is not made again, and a wrong request is wrong at every node.
      if (!error.definite || !error.retryable) throw error;
      last = error;
    }
  }
  throw last ?? new KvError("BAD_REQUEST", "there are no nodes");
}

function whoText({ isOn, user, by, roles: own }: AdminResult<"whoami">): string {
  const has = own.length === 0 ? "no role" : `roles ${own.join(", ")}`;
  const who =
    by === "secret"
      ? "whoever knows the cluster's secret, who may do everything"
      : user === null
        ? "nobody: sign in with --user"
        : `user ${printable(user)}, by ${by}, with ${has}`;
  return isOn ? who : `${who} (access control is off: everybody may do everything)`;
}

function users({ users: all }: Access, name: string | null): AccessTold {
  const shown = all.filter((user) => name === null || user.name === name);
  if (name !== null && shown.length === 0) throw missing("user", name);
  const lines = shown.map(({ name: own, hasPassword, roles: held }) => {
    const what = held.length === 0 ? "no role" : held.map(printable).join(", ");
    return `${printable(own)}: ${what}${hasPassword ? "" : " (no password)"}`;
  });
  return { words: lines.length === 0 ? "no users" : lines.join("\n"), fields: { users: shown } };
}

function roles({ roles: all }: Access, name: string | null): AccessTold {
  const shown = all.filter((role) => name === null || role.name === name);
  if (name !== null && shown.length === 0) throw missing("role", name);
  const lines = shown.map(({ name: own, permissions }) =>
    [
      `${printable(own)}: ${permissions.length === 0 ? "may do nothing yet" : ""}`,
      ...permissions.map(({ may, start, end }) => `  ${may} ${rangeText(start, end)}`),
    ].join("\n"),
  );
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
  return { words: lines.length === 0 ? "no roles" : lines.join("\n"), fields };
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
