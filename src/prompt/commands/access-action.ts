/** What commands about users and roles ask for. */
import type { AdminAccessChange } from "../../protocol/admin/index.ts";

/** Where a password comes from: never from the words of the command. */
export type PasswordSource =
  | { readonly from: "ask" }
  | { readonly from: "file"; readonly path: string }
  /** The user gets none, and comes with a certificate. */
  | { readonly from: "none" };

export type AccessRequest =
  | { readonly kind: "change"; readonly change: AdminAccessChange; readonly done: string }
  | {
      readonly kind: "password";
      readonly change: "addUser" | "setPassword";
      readonly user: string;
      readonly password: PasswordSource;
      readonly done: string;
    }
  | { readonly kind: "users" | "roles" | "status" | "whoami" }
  | { readonly kind: "user" | "role"; readonly name: string };

export interface AccessAction {
  readonly op: "access";
  /** The name of the command, as it is typed: "user add". */
  readonly name: string;
  readonly request: AccessRequest;
}
