import { KvError } from "../../base/index.ts";

/** Of the addresses that were named without ids, none tells which nodes there are. */
export class NoNodeAnswers extends KvError {
  constructor(reasons: readonly string[]) {
    super("CONNECTION_FAILED", `no node says which nodes there are: ${reasons.join(", ")}`);
  }
}
