/** The words for what is wrong with a cluster file, in place of those of the library that finds it. Pure. */
import type { z } from "zod";
import { kindOf } from "./json-text.ts";

const SHOWN_LENGTH_MAX = 80;

const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  int: "a whole number",
  number: "a number",
  object: "an object",
  string: "a text",
};

/** By the place of the object, the name of its list left out of it. */
const NAMES: Readonly<Record<string, string>> = {
  "": "clusterId, nodes, secretFile, peerSecretFile and tls",
  nodes: "id, host, port and peerPort",
  tls: "cacert, cert and key",
};

/** "nodes[0]: there is no \"prot\" here, there are id, host, port and peerPort". */
export function fileTrouble({ issues }: z.ZodError, value: unknown): string {
  // A name that was mistyped is also one that is missing: the first says what to do.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  if (issue === undefined) return "not a cluster description";
  const field = issue.path.length === 0 ? "" : `${dotted(issue.path)}: `;
  return `${field}${words(issue, valueAt(value, issue.path))}`;
}

function words(issue: z.core.$ZodIssue, got: unknown): string {
  if (issue.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => JSON.stringify(key)).join(", ");
    const known = NAMES[String(issue.path[0] ?? "")] ?? "others";
    return `there is no ${names.slice(0, SHOWN_LENGTH_MAX)} here, there are ${known}`;
  }
  return `${expected(issue)}, got ${gotText(issue.path, got)}`;
}

function expected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${TYPES[issue.expected] ?? issue.expected}`;
    case "too_small":
      if (issue.origin === "array") return "expected at least one";
      return issue.origin === "string" ? "expected a text" : `expected ${issue.minimum} or more`;
    case "too_big":
      return `expected at most ${issue.maximum}`;
    default:
      // The rule is in words where the field is described.
      return issue.message;
  }
}

/** A user may have written a file's contents where its name belongs: the message must not show them. */
function gotText([first]: readonly PropertyKey[], got: unknown): string {
  if (got === undefined) return "nothing";
  const isPlain = first === "nodes" || first === "clusterId";
  return isPlain ? JSON.stringify(got).slice(0, SHOWN_LENGTH_MAX) : kindOf(got);
}

function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .slice(typeof path[0] === "number" ? 0 : 1);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return at;
}
