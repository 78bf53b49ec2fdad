/** One attack, until it is ended: run by attacks.ts, not by hand. */
import { ATTACKS } from "./catalogue.ts";
import type { Sent } from "./means.ts";
import type { AttackerReport, AttackPlan } from "./protocol.ts";

const plan = JSON.parse(process.argv[2] ?? "") as AttackPlan;
const attack = ATTACKS.find(({ name }) => name === plan.attack);
if (attack === undefined) throw new Error(`there is no attack "${plan.attack}"`);
const report = (message: AttackerReport): void => void process.send?.(message);

process.on("disconnect", () => process.exit(0));
const sent: Sent = { bytes: 0, connections: 0 };
if (plan.part === "prepare") {
  await attack.prepare?.(plan);
  report({ kind: "begun" });
} else {
  report({ kind: "begun" });
  setInterval(() => report({ kind: "sent", ...sent }), 200);
  await attack.run(plan, sent);
}
