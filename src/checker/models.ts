import type { Model } from "./operation.ts";

export type RegisterInput =
  | { readonly op: "read" }
  | { readonly op: "write"; readonly value: string }
  | { readonly op: "cas"; readonly from: string; readonly to: string };
/** Of a read the value (null: unset); of a write true; of a cas whether it swapped. */
export type RegisterOutput = { readonly value: string | null } | { readonly ok: boolean };

function seen(output: RegisterOutput): string | null | undefined {
  return "value" in output ? output.value : undefined;
}

/** One compare-and-swap register. */
export const registerModel: Model<string | null, RegisterInput, RegisterOutput> = {
  name: "register",
  init: null,
  stateKey: (state) => (state === null ? "-" : `=${state}`),
  step: (state, input, output) => {
    switch (input.op) {
      case "read":
        return output === null || seen(output) === state ? state : undefined;
      case "write":
        return input.value;
      case "cas": {
        const swaps = state === input.from;
        if (output !== null && "ok" in output && output.ok !== swaps) return undefined;
        return swaps ? input.to : state;
      }
    }
  },
  partOf: () => "register",
  isObserver: (input, output) =>
    input.op === "read" || (input.op === "cas" && output !== null && "ok" in output && !output.ok),
  describe: (input, output) => {
    switch (input.op) {
      case "read":
        return `read ${output === null ? "?" : (seen(output) ?? "nothing")}`;
      case "write":
        return `write ${input.value}${output === null ? " (unknown)" : ""}`;
      case "cas": {
        const outcome =
          output === null ? "unknown" : "ok" in output && output.ok ? "swapped" : "not swapped";
        return `cas ${input.from} → ${input.to} (${outcome})`;
      }
    }
  },
};

export type KvInput =
  | { readonly op: "read"; readonly key: string }
  | { readonly op: "write"; readonly key: string; readonly value: string }
  | { readonly op: "delete"; readonly key: string }
  /** expected null: only if absent. */
  | {
      readonly op: "cas";
      readonly key: string;
      readonly expected: string | null;
      readonly value: string;
    };
export type KvOutput =
  /** What was read; null: not found. Also what a cas found instead. */
  | { readonly found: string | null }
  /** A write, a delete (whether there was something), a cas that swapped. */
  | { readonly done: true; readonly existed?: boolean };

/** omnikv: each key on its own, null when absent. */
export const kvModel: Model<string | null, KvInput, KvOutput> = {
  name: "kv",
  init: null,
  stateKey: (state) => (state === null ? "-" : `=${state}`),
  step: (state, input, output) => {
    switch (input.op) {
      case "read":
        return output === null || ("found" in output && output.found === state) ? state : undefined;
      case "write":
        return input.value;
      case "delete":
        if (output !== null && "done" in output && output.existed !== undefined) {
          if (output.existed !== (state !== null)) return undefined;
        }
        return null;
      case "cas": {
        const swaps = state === input.expected;
        if (output === null) return swaps ? input.value : state;
        if ("done" in output) return swaps ? input.value : undefined;
        return !swaps && output.found === state ? state : undefined;
      }
    }
  },
  partOf: ({ key }) => key,
  isObserver: (input, output) =>
    input.op === "read" || (input.op === "cas" && output !== null && "found" in output),
  describe: (input, output) => {
    const found = output !== null && "found" in output ? (output.found ?? "(not found)") : "?";
    switch (input.op) {
      case "read":
        return `read ${input.key}: ${found}`;
      case "write":
        return `write ${input.key} ${input.value}${output === null ? " (unknown)" : ""}`;
      case "delete": {
        const existed = output !== null && "done" in output ? output.existed : undefined;
        const outcome =
          output === null ? " (unknown)" : existed === false ? " (nothing there)" : "";
        return `delete ${input.key}${outcome}`;
      }
      case "cas": {
        const expected = input.expected ?? "(absent)";
        const outcome =
          output === null ? "unknown" : "done" in output ? "swapped" : `found ${found}`;
        return `cas ${input.key} ${expected} → ${input.value} (${outcome})`;
      }
    }
  },
};

export type AppendInput =
  | { readonly op: "get"; readonly key: string }
  | { readonly op: "put"; readonly key: string; readonly value: string }
  | { readonly op: "append"; readonly key: string; readonly value: string };
/** The value that a get answered ("": absent); of the others the empty string. */
export type AppendOutput = string;

/** A store of strings with get, put and append. */
export const appendModel: Model<string, AppendInput, AppendOutput> = {
  name: "append",
  init: "",
  stateKey: (state) => state,
  step: (state, input, output) => {
    switch (input.op) {
      case "get":
        return output === null || output === state ? state : undefined;
      case "put":
        return input.value;
      case "append":
        return state + input.value;
    }
  },
  partOf: ({ key }) => key,
  isObserver: ({ op }) => op === "get",
  describe: (input, output) =>
    input.op === "get"
      ? `get ${input.key}: ${output === null ? "?" : JSON.stringify(output)}`
      : `${input.op} ${input.key} ${JSON.stringify(input.value)}${output === null ? " (unknown)" : ""}`,
};
