/** Keeps a second process out of a data directory. The operating system releases the lock with the process, however it ends. */
import fs from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { StorageError } from "../storage/storage-error.ts";

const PID_FILE = "server.pid";

export class DataLock {
  readonly #server: Server;
  readonly #pidFile: string;

  private constructor(server: Server, pidFile: string) {
    this.#server = server;
    this.#pidFile = pidFile;
  }

  /**
   * The lock is a socket named after the directory itself, whatever path leads to it: on Linux in the abstract name space,
   * elsewhere a file in it.
   * @throws StorageError LOCKED with the other process's id
   */
  static async acquire(directory: string): Promise<DataLock> {
    const pidFile = join(directory, PID_FILE);
    const { dev, ino } = fs.statSync(directory);
    const name =
      process.platform === "linux" ? `\0omnikv-data-${dev}-${ino}` : join(directory, "server.lock");
    const server = createServer((socket) => socket.destroy());
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(name, () => resolve());
      });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
      const pid = fs.existsSync(pidFile) ? fs.readFileSync(pidFile, "utf8").trim() : "unknown";
      throw new StorageError(
        "LOCKED",
        `${directory} is in use by process ${pid}: stop it, or give this server another --data-dir`,
        { cause },
      );
    }
    // The lock alone must not keep the process alive.
    server.unref();
    fs.writeFileSync(pidFile, `${process.pid}\n`);
    return new DataLock(server, pidFile);
  }

  release(): void {
    fs.rmSync(this.#pidFile, { force: true });
    this.#server.close();
  }
}
