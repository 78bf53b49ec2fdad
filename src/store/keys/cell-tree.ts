/** The ordered tree of cells, and how one is made of cells that come in order. */
import BTreeModule from "sorted-btree";
import { bulkLoad } from "sorted-btree/extended/bulkLoad.js";
import unionModule from "sorted-btree/extended/union.js";
import { type ByteString, InvariantError } from "../../base/index.ts";
import type { Cell } from "../history/cell.ts";

// CommonJS modules with a default export: Node hands over the module, bundlers and test runners what is in it.
// The compiler takes it for either, as the program that imports these types has it resolve modules.
type TreeClass = typeof BTreeModule extends { readonly default: infer Class }
  ? Class
  : typeof BTreeModule;
const BTree: TreeClass = typeof BTreeModule === "function" ? BTreeModule : BTreeModule.default;
const union = typeof unionModule === "function" ? unionModule : unionModule.default;
export type CellTree = InstanceType<typeof BTree<ByteString, Cell>>;

/** Wide nodes: fewer levels cost less than the longer shifts on insert. */
const TREE_NODE_KEYS = 64;

const compareKeys = (a: ByteString, b: ByteString): number => (a < b ? -1 : a > b ? 1 : 0);

export function emptyTree(): CellTree {
  return new BTree<ByteString, Cell>(undefined, compareKeys, TREE_NODE_KEYS);
}

/**
 * A tree with these cells too, all of them above what is in it; the given one is used up. Costs little more than the cells
 * themselves: nothing is searched, and no node is split.
 */
export function treeWith(tree: CellTree, cells: readonly Cell[]): CellTree {
  const keys = cells.map(({ key }) => key);
  const above = bulkLoad(keys, [...cells], TREE_NODE_KEYS, compareKeys);
  return union<CellTree, ByteString, Cell>(tree, above, () => {
    throw new InvariantError("keys come in order, each once");
  });
}
