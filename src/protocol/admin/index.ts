/** Frames of management, and a node's description of its cluster. */
export {
  ADMIN_OPERATIONS,
  ADMIN_OPS,
  type AdminAccessChange,
  type AdminAlarm,
  type AdminBallot,
  type AdminLink,
  type AdminOp,
  type AdminParams,
  type AdminRequest,
  AdminRequestError,
  type AdminResult,
  type AdminStatus,
  decodeAdminAnswer,
  decodeAdminRequest,
  encodeAdminError,
  encodeAdminRequest,
  encodeAdminResult,
  issueText,
  type LinkDirection,
  parseAdminResult,
} from "./admin.ts";
export { ballotText } from "./ballot-text.ts";
export { type ClusterInfo, clusterInfoSchema } from "./cluster-info.ts";
export { toldFault } from "./told-fault.ts";
