import type { Agreement } from "../trust/agreement.ts";
import type { Joining } from "../trust/joining.ts";
import type { CatchUp } from "../snapshots/catch-up.ts";
import type { TurnEffects } from "./replica-options.ts";

/** The parts of the replica that can hold back a message of the core. */
interface Gates {
  /** Null: this node has its place. */
  readonly joining: Pick<Joining, "maySay"> | null;
  readonly catchUp: Pick<CatchUp, "progress" | "isAnswered">;
  readonly agreement: Pick<Agreement, "alarms" | "isApart">;
}

/** The messages of the core's that may leave in this turn. */
export function outgoingMessages(
  messages: TurnEffects["messages"],
  { joining, catchUp, agreement }: Gates,
): TurnEffects["messages"] {
  if (agreement.alarms.length > 0) messages = messages.filter(({ to }) => !agreement.isApart(to));
  if (joining !== null) return messages.filter(({ message }) => joining.maySay(message));
  if (catchUp.progress === null) return messages;
  return messages.filter(({ to, message }) => !catchUp.isAnswered(to, message));
}
