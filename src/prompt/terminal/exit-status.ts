/** How a prompt went, as its exit status. Stable: scripts rely on it. */
export const EXIT = {
  ok: 0,
  /** A command was refused or failed. */
  failed: 1,
  /** A command or an option was not understood. */
  usage: 2,
  /** A node could not be reached, or reached no majority: nothing was written. */
  unavailable: 3,
  /** A write may or may not have taken effect. */
  unknown: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** From mild to severe: what a script must look at first. */
const SEVERITY: readonly ExitStatus[] = [
  EXIT.ok,
  EXIT.failed,
  EXIT.usage,
  EXIT.unavailable,
  EXIT.unknown,
  EXIT.interrupted,
];

/** The status of a run of which both are part: the more severe one. */
export function worse(a: ExitStatus, b: ExitStatus): ExitStatus {
  return SEVERITY.indexOf(a) >= SEVERITY.indexOf(b) ? a : b;
}
