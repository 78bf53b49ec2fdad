import type { TurnEffects } from "../../src/replica/index.ts";

/** What a turn has for clients goes to them, as a host hands it over. */
export function deliver(effects: TurnEffects): TurnEffects {
  for (const { route, frame } of effects.answers) if (route.isOpen()) route.deliver(frame);
  for (const { route, frame } of effects.told) if (route.isOpen()) route.tell(frame);
  return effects;
}
