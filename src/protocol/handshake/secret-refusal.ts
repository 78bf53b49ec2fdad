/** The texts of a handshake about secrets. The advice in them depends on the side, and on the wire. */

/** @param holder of the secret @param other who has none; "node 1", "the client" */
export function missingSecretText(holder: string, other: string): string {
  return `${holder} requires the secret, ${other} has none`;
}

/** The text names a node by its number, and a dialing client or manager by its channel. It may follow another text. */
const NODE_WITHOUT = /\bthe \w+ requires the secret, node \d+ has none$/;

/** The dialer has the secret, and the node has none. The node said so without a proof: use it for a hint, and for nothing else. */
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

/** The wire between the two sides, and not the secret, may be wrong. */
export function isWireTrouble(text: string): boolean {
  return text.includes(IN_BETWEEN);
}
