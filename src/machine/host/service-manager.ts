/**
 * Tells systemd how far the process is, where it was started as a service of `Type=notify`: systemd waits for that before it goes on.
 * Node.js cannot write to datagram sockets of the file system, so systemd's own program does; the unit needs `NotifyAccess=all`.
 *
 * There is no watchdog: it would tell whether one more process can be started, not whether this one serves.
 */
import { execFile } from "node:child_process";
import type { Logger } from "../ports/index.ts";

const PROGRAM = "systemd-notify";
const TIMEOUT_MS = 5000;

export type ServiceState = "READY=1" | "STOPPING=1";

/** Does nothing when no service manager asked for it. */
export function tellServiceManager(
  state: ServiceState,
  logger: Logger,
  environment: NodeJS.ProcessEnv = process.env,
): void {
  if ((environment["NOTIFY_SOCKET"] ?? "") === "") return;
  execFile(PROGRAM, [state], { env: environment, timeout: TIMEOUT_MS }, (error) => {
    if (error === null) return;
    logger.warn("systemd could not be told how far this server is", {
      state,
      reason: error.message,
    });
  });
}
