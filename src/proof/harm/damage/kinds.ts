import { controls } from "./kinds/controls.ts";
import { copies } from "./kinds/copies.ts";
import { logs } from "./kinds/logs.ts";
import { mixedUp } from "./kinds/mixed-up.ts";
import { otherFiles } from "./kinds/other-files.ts";
import { rejoins } from "./kinds/rejoin.ts";
import { sizes } from "./kinds/sizes.ts";
import type { Kind } from "./kind.ts";

/** In the order of the table. */
export const KINDS: readonly Kind[] = [
  ...controls,
  ...sizes,
  ...copies,
  ...logs,
  ...otherFiles,
  ...mixedUp,
  ...rejoins,
];
