/** Log lines on a stream: short and coloured for people, JSON for programs. Written at once, so none is lost in a crash. */
import { Chalk, type ChalkInstance } from "chalk";
import { pino } from "pino";
import { printable } from "../../base/index.ts";
import type { LogFields, Logger, LogLevel } from "../ports/index.ts";
import { type ColorLevel, createStandardOutput } from "../host/index.ts";

export interface ConsoleLoggerOptions {
  /** The node that logs: "n1". In JSON the field `node`. */
  readonly name: string;
  readonly level: LogLevel;
  readonly format: "pretty" | "json";
  /** For the pretty format. */
  readonly color: ColorLevel;
  /** Takes one line with its line end; synchronous. Default: standard output. */
  readonly write?: (line: string) => void;
  /** The time of a line. Default: now. */
  readonly date?: () => Date;
}

export function createConsoleLogger(options: ConsoleLoggerOptions): Logger {
  const date = options.date ?? ((): Date => new Date());
  const onLeftOut = (lines: number): void =>
    logger.warn("lines were left out here: nobody read this log", { lines });
  const write = options.write ?? createStandardOutput(onLeftOut);
  const logger =
    options.format === "json"
      ? jsonLogger(options, write, date)
      : prettyLogger(options, write, date);
  return logger;
}

function jsonLogger(
  options: ConsoleLoggerOptions,
  write: (line: string) => void,
  date: () => Date,
): Logger {
  const log = pino(
    {
      level: options.level,
      base: { node: options.name },
      timestamp: () => `,"time":"${date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    // Characters that JSON leaves unchanged may be commands to the terminal that shows the line.
    { write: (line) => write(`${printable(line.trimEnd())}\n`) },
  );
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      log[level](fields, message);
  return {
    enabled: (level) => log.isLevelEnabled(level),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

function prettyLogger(
  options: ConsoleLoggerOptions,
  write: (line: string) => void,
  date: () => Date,
): Logger {
  const chalk = new Chalk({ level: options.color });
  const enabled = (level: LogLevel): boolean => RANKS[level] >= RANKS[options.level];
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (enabled(level))
        write(prettyLine(chalk, date(), options.name, level, message, fields) + "\n");
    };
  return {
    enabled,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

/** `12:00:01 n1 info  became leader ballot=3.0.1` */
function prettyLine(
  chalk: ChalkInstance,
  date: Date,
  name: string,
  level: LogLevel,
  message: string,
  fields: LogFields,
): string {
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  const paint = { debug: chalk.dim, info: chalk.green, warn: chalk.yellow, error: chalk.red }[
    level
  ];
  const details = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => chalk.dim(` ${key}=`) + fieldText(value));
  // Texts of peers and clients may end up in a line: they must not move the cursor or begin a line of their own.
  const text = level === "debug" ? chalk.dim(printable(message)) : printable(message);
  return `${chalk.dim(clock)} ${chalk.cyan(name)} ${paint(level.padEnd(5))} ${text}${details.join("")}`;
}

function fieldText(value: LogFields[string]): string {
  const text = printable(String(value));
  return typeof value === "string" && (text === "" || /[\s="]/.test(text))
    ? JSON.stringify(text)
    : text;
}
