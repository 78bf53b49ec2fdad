/** The colours of the prompts by meaning. */
import { Chalk } from "chalk";

export type Paint = (text: string) => string;

export interface Style {
  readonly good: Paint;
  readonly warn: Paint;
  readonly bad: Paint;
  readonly value: Paint;
  readonly dim: Paint;
  readonly strong: Paint;
  readonly node: Paint;
}

/** @param level as chalk counts: 0 is none */
export function createStyle(level: 0 | 1 | 2 | 3): Style {
  const chalk = new Chalk({ level });
  return {
    good: chalk.green,
    warn: chalk.yellow,
    bad: chalk.red,
    value: chalk.cyan,
    dim: chalk.dim,
    strong: chalk.bold,
    node: chalk.magenta,
  };
}

export const plainStyle: Style = createStyle(0);
