/** The inside of a load generator process: does what its owner orders, and ends when the owner is gone. */
import { unreachable } from "../../base/index.ts";
import type { Clock } from "../../machine/ports/index.ts";
import type { ClosedLoop } from "./closed-loop.ts";
import { fillKeys } from "./fill.ts";
import {
  orderSchema,
  type GeneratorOrder,
  type GeneratorReport,
  type GeneratorSetup,
} from "./generator-protocol.ts";
import { runClosedLoop } from "./measured-loop.ts";
import { startSteadyLoop } from "./steady-loop.ts";
import type { Target } from "./target.ts";

/** @param connect makes what the load goes to */
export function serveGenerator(connect: (setup: GeneratorSetup) => Target, clock: Clock): void {
  let target: Target | null = null;
  let steady: ClosedLoop | null = null;
  const report = (message: GeneratorReport): void => {
    process.send?.(message);
  };
  const obey = async (order: GeneratorOrder): Promise<void> => {
    if (order.kind === "open") {
      target?.close();
      target = connect(order.setup);
      report({ kind: "done" });
      return;
    }
    if (target === null) throw new Error("a generator must be opened first");
    switch (order.kind) {
      case "fill":
        await fillKeys(target, order.keys, order.valueBytes);
        report({ kind: "done" });
        return;
      case "run": {
        const { completed, seconds, latency, errors } = await runClosedLoop(
          target,
          order.options,
          clock,
          (kind) => report({ kind }),
          (progress) => report({ kind: "progress", ...progress }),
        );
        const result = { completed, seconds, latency: latency.toData(), errors };
        report({ kind: "result", result });
        return;
      }
      case "steady":
        steady = startSteadyLoop(target, order.options, clock, (window) =>
          report({ kind: "window", window }),
        );
        await steady.ended;
        report({ kind: "done" });
        return;
      case "stop":
        await steady?.stop();
        return;
      default:
        unreachable(order, "order");
    }
  };
  process.on("message", (message) => {
    obey(orderSchema.parse(message)).catch((error: unknown) => {
      report({ kind: "failed", text: error instanceof Error ? error.message : String(error) });
    });
  });
  process.on("disconnect", () => process.exit(0));
}
