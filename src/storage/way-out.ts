/** What helps when a node's own data cannot be used. One sentence for all places, so that nobody has to choose. */
export function wayOut(): string {
  return (
    "Move this node's data directory away and start the node with --rejoin: it takes everything from the others, " +
    "once enough of them are there"
  );
}
