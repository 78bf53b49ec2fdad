/** The client core: requests on their way to nodes, and back. */
export {
  addressesIn,
  ADMIN_OPTION_NAMES,
  checkClientOptions,
  CLIENT_OPTION_NAMES,
  endpointsIn,
  optionsIn,
} from "./checked-options.ts";
export { ATTEMPT_TIMEOUT_MS, ClientCore, TIMEOUT_MS } from "./client-core.ts";
export { clientSignIn } from "./client-sign-in.ts";
export type { ClientCoreOptions, ObserveRequest } from "./core-options.ts";
export { checkCredentials, type CredentialOptions, Credentials } from "./credentials.ts";
export { Deadlines } from "./deadlines.ts";
export { type Answer, checkBound, isRead, openSessionFrame, type Operation } from "./frames.ts";
export { KnownCluster } from "./known-cluster.ts";
export { linkOptionsOf } from "./link-options.ts";
export { type LinkOptions, type LinkSignIn, NodeLink } from "./node-link.ts";
export type { Done, Request } from "./request.ts";
export { SeenCheck } from "./seen-check.ts";
