/** What a handshake says of secrets, for people: what they are told to do depends on the side, and on the wire. */

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

const IN_BETWEEN = "something between them opens";

/** @param inside who speaks TLS on the connection @param outside who does not: "node 1", "the client" */
export function openedWireText(inside: string, outside: string): string {
  return `${inside} speaks TLS on this connection and ${outside} does not: ${IN_BETWEEN} it; let it pass TLS through, or find out what it is`;
}

/** @param isBound the proofs were made over the TLS connection */
export function otherSecretText(isBound: boolean): string {
  const relayed = isBound ? `, or ${IN_BETWEEN} the TLS connection` : "";
  return `the two sides do not have the same secret${relayed}`;
}

/** It need not be the secret that is wrong. */
export function isWireTrouble(text: string): boolean {
  return text.includes(IN_BETWEEN);
}
