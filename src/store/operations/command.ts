/** Commands as their makers hand them over: a name and its fields. The types follow from the table. */
import type { KeyOpName } from "./codes.ts";
import type { FieldContent } from "./fields.ts";
import type { OPERATIONS, OpName } from "./table.ts";

/** `{ kind: "write", key, value }` and so on, for each operation named. */
export type Command<N extends OpName = OpName> = {
  [K in N]: { readonly kind: K } & {
    readonly [F in (typeof OPERATIONS)[K]["fields"][number]]: FieldContent<F>;
  };
}[N];

/** A command that changes one key. */
export type KeyCommand = Command<KeyOpName>;
