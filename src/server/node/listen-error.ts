import type { Address } from "../../machine/ports/index.ts";

/** One of a node's two ports could not be opened. The cause is the system's error. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly who: "clients" | "peers";
  readonly address: Address;

  constructor(who: "clients" | "peers", address: Address, cause: Error) {
    super(`cannot listen for ${who} on ${address.host}:${address.port}: ${cause.message}`, {
      cause,
    });
    this.who = who;
    this.address = address;
  }
}
