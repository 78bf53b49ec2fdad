/**
 * A node within a program: `import { startNode } from "omnikv/server"`.
 *
 *     await using node = await startNode({ dataDir: "data/a" });
 *     const kv = node.client();
 *
 * @module omnikv/server
 */
export { startNode } from "./start-node.ts";
export {
  EmbeddedNode,
  type LocalAdminOptions,
  type LocalClientOptions,
  type NodeEnd,
} from "./embedded-node.ts";
export { NodeError } from "./node-error.ts";
export type { MemberGiven, NodeLogger, NodeSettings } from "./node-settings.ts";
