/** Experiments on broken links; see docs/lab.md. */
export {
  runExperiment,
  type ExperimentOptions,
  type RunResult,
  type Timeline,
} from "./experiment.ts";
export {
  ETCD_ELECTION_TIMEOUT_MS,
  etcdRefusal,
  startEtcdSubject,
  type EtcdSubjectOptions,
} from "./etcd-subject.ts";
export { renderLabHtml } from "./html/render-html.ts";
export { namespacesRefusal } from "./namespaces.ts";
export { startOmnikvSubject } from "./omnikv-subject.ts";
export { renderLab, runLine, type Lab, type Measured } from "./report.ts";
export type { Subject } from "./subject.ts";
export { summarize } from "./summary.ts";
