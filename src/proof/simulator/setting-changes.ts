/** Settings of the history, and compactions by hand: drawn with the plan, and asked of nodes as a manager would. */
import { assert, KvError } from "../../base/index.ts";
import { SECRET_HOLDER } from "../../store/index.ts";
import type { SeededRandom } from "../../machine/ports/index.ts";
import type { Replica } from "../../replica/index.ts";
import type { Coverage } from "./coverage.ts";
import type { History } from "./history.ts";
import type { SafetyChecker } from "./safety.ts";
import { settingName } from "./setting-name.ts";
import type { SimClock } from "./sim-clock.ts";

type HistorySetting =
  /** Of each 0: the default. */
  | { readonly kind: "bound"; readonly revisions: number; readonly bytes: number }
  /** So many revisions before what the node is at. */
  | { readonly kind: "compact"; readonly back: number };

export interface TimedSetting {
  readonly atMs: number;
  readonly node: number;
  readonly setting: HistorySetting;
}

export function drawSettings(random: SeededRandom, nodes: number, endMs: number): TimedSetting[] {
  return Array.from({ length: random.pick([0, 1, 2, 4]) }, () => ({
    atMs: random.between(200, Math.max(300, endMs)),
    node: random.below(nodes),
    setting: random.chance(0.5)
      ? {
          kind: "bound",
          revisions: random.pick([0, 1, 3, 10, 30]),
          bytes: random.pick([0, 0, 400, 1500, 5000]),
        }
      : { kind: "compact", back: random.pick([0, 1, 2, 5, 20]) },
  }));
}

/** The part of a world that they need. */
export interface SettingsWorld {
  readonly clock: SimClock;
  readonly coverage: Coverage;
  readonly history: History;
  readonly safety: Pick<SafetyChecker, "decided">;
  readonly nodes: readonly { readonly node: { readonly replica: Replica } | null }[];
}

export function scheduleSettings(world: SettingsWorld, settings: readonly TimedSetting[]): void {
  for (const { atMs, node, setting } of settings) {
    world.clock.after(atMs, () => {
      const replica = world.nodes[node]?.node?.replica;
      if (replica === undefined) return;
      const from = world.safety.decided.length;
      const told = (name: string, error: KvError | null): void => {
        world.coverage.hit(`history: ${setting.kind} ${error?.code ?? "holds"}`);
        const code = error?.code ?? null;
        world.history.settings.push({ name, code, from, to: replica.appliedIdx });
      };
      try {
        if (setting.kind === "bound") {
          const name = settingName("history", setting.revisions, setting.bytes);
          replica.settings.setHistory(setting, SECRET_HOLDER, (error) => told(name, error));
        } else {
          const revision = Math.max(1, replica.state.revision - setting.back);
          replica.settings.compact(revision, SECRET_HOLDER, (error) => {
            // A setting that is said to hold does.
            const { oldest } = replica.state.cells.history;
            assert(error !== null || oldest >= revision, `compacted to ${oldest}, not ${revision}`);
            told(settingName("compact", revision), error);
          });
        }
        world.coverage.hit(`history: ${setting.kind} proposed`);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        world.coverage.hit(`history: ${setting.kind} refused with ${error.code}`);
      }
    });
  }
}
