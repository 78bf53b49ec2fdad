/** Tells the model of trust who hears whom: by frames of sessions, from which process of its node each was sent. */
import type { PeerMessage } from "../../protocol/peer/index.ts";
import type { SafetyChecker } from "./safety.ts";
import type { SimNode } from "./sim-node.ts";
import type { HeardFrame, Trust } from "./trust.ts";

export class SessionFrames {
  readonly #trust: Trust;
  readonly #safety: SafetyChecker;
  readonly #machineAt: (place: number) => SimNode | null;
  /** In which life of its sender a frame was sent, and what that lacked. */
  readonly #sentIn = new WeakMap<Uint8Array, Omit<HeardFrame, "isHeard">>();

  constructor(trust: Trust, safety: SafetyChecker, machineAt: (place: number) => SimNode | null) {
    this.#trust = trust;
    this.#safety = safety;
    this.#machineAt = machineAt;
  }

  /** What the node of this process has told, and the process does not hold; null: nothing, or none runs. */
  lackAt(place: number): string | null {
    const replica = this.#machineAt(place)?.node?.replica;
    return replica === undefined ? null : this.#safety.lackOf(place, replica);
  }

  onSent(from: number, frame: Uint8Array): void {
    const lack = this.#trust.hasTwin(from) ? this.lackAt(from) : null;
    this.#sentIn.set(frame, { life: this.#machineAt(from)?.life ?? 0, lack });
  }

  /** @param isHeard the end had not given the connection up */
  onReceived(
    from: number,
    to: number,
    frame: Uint8Array,
    { messages, isHeard }: { readonly messages: readonly PeerMessage[]; readonly isHeard: boolean },
  ): void {
    const report = messages.findLast((message) => message.type === "report") ?? null;
    const { life, lack } = this.#sentIn.get(frame) ?? { life: 0, lack: null };
    this.#trust.onHeard(from, to, { life, lack, isHeard }, report);
  }
}
