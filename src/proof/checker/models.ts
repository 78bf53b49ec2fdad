/** The models that come with the checker. All of them judge each key on its own. */
import type { Machine, Model } from "./model.ts";
import type { Operation, Request } from "./operation.ts";
import { RevisionMachine } from "./revision-machine.ts";
import { ValueMachine } from "./value-machine.ts";

/** The names of the models that come along. */
export const MODEL_NAMES = ["register", "kv", "append"] as const;
/** The name of a model that comes along. */
export type ModelName = (typeof MODEL_NAMES)[number];

/** Reads, writes and compare-and-swap by value; unset at first. */
export const registerModel: Model = keyedModel(
  "register",
  "a compare-and-swap register",
  ["read", "write", "cas"],
  false,
);

/** omnikv itself: also delete, compare-and-swap on absence and on revision, and the revisions in the answers. */
export const kvModel: Model = keyedModel(
  "kv",
  "a key-value store with compare-and-swap",
  ["read", "write", "append", "delete", "cas"],
  false,
);

/** Strings that are put and appended to; an absent key reads as the empty string. */
export const appendModel: Model = keyedModel(
  "append",
  "a key-value store with put and append",
  ["read", "write", "append", "delete"],
  true,
);

/** The model of that name. */
export function modelOf(name: ModelName): Model {
  return { register: registerModel, kv: kvModel, append: appendModel }[name];
}

function keyedModel(
  name: ModelName,
  title: string,
  kinds: readonly Request["kind"][],
  emptyIsAbsent: boolean,
): Model {
  return {
    name,
    title,
    ordersByRevision: true,
    refuses: ({ request }) =>
      kinds.includes(request.kind) ? null : `the model "${name}" knows no ${request.kind}`,
    prepare: (operations): Machine =>
      operations.some(namesRevision)
        ? new RevisionMachine(operations, { emptyIsAbsent })
        : new ValueMachine(operations, { emptyIsAbsent }),
  };
}

function namesRevision({ revision, request }: Operation): boolean {
  return revision !== null || (request.kind === "cas" && request.expected.kind === "revision");
}
