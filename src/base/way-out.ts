/**
 * What helps when a node's own data cannot be used: one clause for all places, so that nobody has to choose. It follows a colon.
 * @param members of the cluster; null: not known where the sentence is made
 */
export function wayOut(members: number | null = null): string {
  if (members !== null && members < REPLACEABLE_FROM) {
    const others = members === 1 ? "there is no other node" : "the other node alone is no majority";
    return (
      `in a cluster of ${members} no lost disk can be replaced, as ${others} (--rejoin needs three). Only the data directory ` +
      "that this node ran on last brings it back"
    );
  }
  return (
    "move this node's data directory away and start the node with --rejoin: it takes everything from the others, " +
    "once enough of them are there"
  );
}

/** The same as a sentence of its own. */
export function wayOutSentence(): string {
  const clause = wayOut();
  return clause.charAt(0).toUpperCase() + clause.slice(1);
}

/** ADR 6: the others must be a majority without the node whose disk is lost. */
const REPLACEABLE_FROM = 3;
