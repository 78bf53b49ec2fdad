import type { ByteString } from "../../base/index.ts";

/** What is asked of all nodes, as one text: so that an answer and an entry of the log can be held against each other. */
export function settingName(
  kind: "access" | "history" | "compact",
  ...fields: readonly (number | ByteString)[]
): string {
  return [kind, ...fields].join(" ");
}
