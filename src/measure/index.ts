/**
 * One way to load, break and measure a cluster: a subject, a workload, faults, a report; see README.md. This module has the parts
 * that the command line needs; the scripts' experiments are modules of their own.
 */
export { runExperiment, type ExperimentOptions, type RunResult } from "./faults/experiment.ts";
export type { Subject } from "./faults/subject.ts";
export { formatCount } from "./reports/format.ts";
export { renderLabHtml } from "./reports/lab/html/render-html.ts";
export { renderLab, runLine, type Lab, type Measured } from "./reports/lab/report.ts";
export { summarize } from "./reports/lab/summary.ts";
export { renderTable, type Measurement } from "./reports/measurement.ts";
export { renderRatios } from "./reports/ratios.ts";
export type { Loadable, MeasuredProcess } from "./subjects/cluster.ts";
export { isInMemory } from "./subjects/data-directory.ts";
export {
  ETCD_ELECTION_TIMEOUT_MS,
  etcdRefusal,
  startEtcdSubject,
  type EtcdSubjectOptions,
} from "./subjects/etcd-subject.ts";
export { findLeader } from "./subjects/find-leader.ts";
export { namespacesRefusal } from "./subjects/namespaces.ts";
export { OMNIKV_GENERATOR, OmnikvCluster } from "./subjects/omnikv-cluster.ts";
export { throwAwayCertificates, type ThrowAwayTls } from "./subjects/throw-away-tls.ts";
export { startOmnikvSubject } from "./subjects/omnikv-subject.ts";
export { Generators } from "./workloads/generators.ts";
export { OPERATIONS, type BenchOperation } from "./workloads/workload.ts";
export { say } from "./experiments/entry.ts";
export { pause } from "./pause.ts";
export { mebibytes } from "./reports/format.ts";
export { LatencyHistogram } from "./reports/histogram.ts";
export { countOf, sum } from "./reports/statistics.ts";
export { alignColumns, markdownTable } from "./reports/table.ts";
export { Namespaces } from "./subjects/namespaces.ts";
export { loopbackNodes } from "./subjects/places.ts";
export { sampleServer } from "./subjects/server-sample.ts";
export { startOpenLoop } from "./workloads/open-loop.ts";
