export { checkLinearizable } from "./linearizability.ts";
export type { CheckOptions, CheckResult, PartResult, Verdict } from "./linearizability.ts";
export { appendModel, kvModel, registerModel } from "./models.ts";
export type {
  AppendInput,
  AppendOutput,
  KvInput,
  KvOutput,
  RegisterInput,
  RegisterOutput,
} from "./models.ts";
export type { Model, Operation } from "./operation.ts";
export { HistoryFormatError } from "./history-format-error.ts";
export { isEdnHistory, parseEdnHistory } from "./edn-format.ts";
export { isJepsenHistory, parseJepsenHistory } from "./jepsen-format.ts";
