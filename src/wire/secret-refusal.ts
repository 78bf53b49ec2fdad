/** How a handshake names a secret that only one side has: who is told so is told what to do, which depends on the side. */

/** @param holder of the secret @param other who has none; "node 1", "the client" */
export function missingSecretText(holder: string, other: string): string {
  return `${holder} requires the secret, ${other} has none`;
}

/** Only a node is named by a number; whoever asks it is named by what it came for. The text may follow another. */
const NODE_WITHOUT = /\bthe \w+ requires the secret, node \d+ has none$/;

/** The one with the secret is whoever asks, and the node has none. Said by a node: good for a hint, and for nothing else. */
export function isNodeWithoutSecret(text: string): boolean {
  return NODE_WITHOUT.test(text);
}
