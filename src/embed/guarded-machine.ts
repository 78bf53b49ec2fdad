/**
 * A machine whose callbacks never throw. In a process of its own, an error that a node throws and does not catch ends the process. In a
 * user's program it must not, and yet the node must not go on.
 *
 * Invariant: once a callback of the node has thrown, the node is told to fail before any other of its code runs, and from then on
 * only callbacks that close its files reach it: the node acknowledges nothing that was left half done.
 */
import type { Machine } from "../server/node/index.ts";
import type {
  Clock,
  Connection,
  ConnectionHandlers,
  Disk,
  DiskFile,
  Listener,
  Network,
  Passwords,
} from "../machine/ports/index.ts";

const DEAF: ConnectionHandlers = { onFrame: () => {}, onClose: () => {} };

export class Guard {
  readonly #onThrown: (error: Error) => void;
  #failed = false;

  /** @param onThrown called once, with the error that was thrown */
  constructor(onThrown: (error: Error) => void) {
    this.#onThrown = onThrown;
  }

  machine(machine: Machine): Machine {
    return {
      ...machine,
      clock: this.#clock(machine.clock),
      network: this.#network(machine.network),
      disk: this.#disk(machine.disk),
      ...(machine.passwords === undefined ? {} : { passwords: this.#passwords(machine.passwords) }),
    };
  }

  #run<T>(call: () => T, otherwise: T): T {
    if (this.#failed) return otherwise;
    return this.#caught(call, otherwise);
  }

  #caught<T>(call: () => T, otherwise: T): T {
    try {
      return call();
    } catch (error) {
      if (this.#failed) return otherwise;
      this.#failed = true;
      try {
        this.#onThrown(error instanceof Error ? error : new Error(String(error)));
      } catch {
        // The code that closes the node is as broken as the rest of it; the reason was told already.
      }
      return otherwise;
    }
  }

  #clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      after: (ms, callback, isIdle) =>
        clock.after(ms, () => this.#run(callback, undefined), isIdle),
      endOfTurn: (callback) => clock.endOfTurn(() => this.#run(callback, undefined)),
    };
  }

  #passwords(passwords: Passwords): Passwords {
    return {
      hash: (password, done) =>
        passwords.hash(password, (hash) => this.#run(() => done(hash), undefined)),
      verify: (password, hash, done) =>
        passwords.verify(password, hash, (isRight) => this.#run(() => done(isRight), undefined)),
      wallMs: () => passwords.wallMs(),
    };
  }

  #network(network: Network): Network {
    return {
      dial: (address, channel, handlers) =>
        network.dial(address, channel, {
          ...this.#handlers(handlers),
          onOpen: () => this.#run(() => handlers.onOpen(), undefined),
        }),
      listen: (address, channels, accept, ready) =>
        network.listen(
          address,
          channels,
          (connection: Connection, channel) => {
            const handlers = this.#run(() => accept(connection, channel), null);
            if (handlers !== null) return this.#handlers(handlers);
            connection.destroy();
            return DEAF;
          },
          // A node that has failed meanwhile closes the listener that it gets.
          (result: Listener | Error) => this.#caught(() => ready(result), undefined),
        ),
    };
  }

  #handlers(handlers: ConnectionHandlers): ConnectionHandlers {
    return {
      onFrame: (frame) => this.#run(() => handlers.onFrame(frame), undefined),
      onClose: (reason) => this.#run(() => handlers.onClose(reason), undefined),
    };
  }

  #disk(disk: Disk): Disk {
    return {
      list: (directory) => disk.list(directory),
      exists: (path) => disk.exists(path),
      size: (path) => disk.size(path),
      read: (path, position, length) => disk.read(path, position, length),
      makeDirectory: (path) => disk.makeDirectory(path),
      writeNow: (path, position, bytes) => disk.writeNow(path, position, bytes),
      replace: (path, bytes) => disk.replace(path, bytes),
      open: (path) => this.#file(disk.open(path)),
      rename: (from, to) => disk.rename(from, to),
      remove: (path) => disk.remove(path),
      syncDirectory: (path) => disk.syncDirectory(path),
    };
  }

  #file(file: DiskFile): DiskFile {
    // Also of a node that has failed: it waits for these before its files are closed.
    const told =
      (done: (error: Error | null) => void) =>
      (error: Error | null): void =>
        this.#caught(() => done(error), undefined);
    return {
      write: (position, bytes, done) => file.write(position, bytes, told(done)),
      sync: (done) => file.sync(told(done)),
      writeDurably: (position, bytes, done) => file.writeDurably(position, bytes, told(done)),
      note: (position, bytes) => file.note(position, bytes),
      truncate: (length, done) => file.truncate(length, told(done)),
      close: (done) => file.close(told(done)),
    };
  }
}
