/** Which nodes had no part in a failure of the whole cluster. Pure. */
import { type ErrorCode, type KvError, withUnreached } from "../../base/index.ts";

interface Node {
  readonly isUnreachable: boolean;
  /** It serves another cluster, or one that was begun anew. Null: it does not, as far as is known. */
  readonly wrongCluster: KvError | null;
  readonly link: { readonly name: string };
}

/** @returns the text, with the nodes that were missing when the others said that they are too few, and those of another cluster */
export function withMissing(text: string, code: ErrorCode, nodes: readonly Node[]): string {
  if (code !== "NO_QUORUM" && code !== "TIMEOUT") return text;
  const strangers = nodes.filter(({ wrongCluster }) => wrongCluster !== null);
  const missing = nodes.filter((node) => node.isUnreachable && !strangers.includes(node));
  const namesOf = (some: readonly Node[]): readonly string[] => some.map(({ link }) => link.name);
  return withUnreached(text, namesOf(missing), namesOf(strangers));
}
