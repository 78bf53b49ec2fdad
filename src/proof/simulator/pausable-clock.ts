import type {
  CancelTimer,
  Clock,
  ConnectionHandlers,
  DialHandlers,
  Network,
} from "../../machine/ports/index.ts";
import type { ProcessClock } from "./sim-clock.ts";

/**
 * The clock of a process that can be stopped and continued (SIGSTOP): callbacks that fall due meanwhile run afterwards, in the
 * same order.
 */
export class PausableClock implements Clock {
  readonly #clock: ProcessClock;
  #held: (() => void)[] = [];
  #paused = false;

  constructor(clock: ProcessClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, callback: () => void): CancelTimer {
    let cancelled = false;
    const cancel = this.#clock.after(ms, () =>
      this.deliver(() => {
        if (!cancelled) callback();
      }),
    );
    return () => {
      cancelled = true;
      cancel();
    };
  }

  endOfTurn(callback: () => void): void {
    this.#clock.endOfTurn(() => this.deliver(callback));
  }

  /** Runs the callback now, or when the process goes on. */
  deliver(callback: () => void): void {
    if (this.#paused || this.#held.length > 0) this.#held.push(callback);
    else callback();
  }

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#clock.after(0, () => this.#drain());
  }

  /** The process died: none of its callbacks runs any more. */
  stop(): void {
    this.#clock.stop();
    this.#held = [];
    this.#paused = false;
  }

  /** What falls due meanwhile queues behind what is held, so that nothing is overtaken. */
  #drain(): void {
    while (!this.#paused) {
      const callback = this.#held[0];
      if (callback === undefined) return;
      callback();
      // By the callback the process may have died.
      if (this.#held[0] === callback) this.#held.shift();
      else return;
    }
  }
}

/** The network as a pausable process sees it: frames that arrive meanwhile wait in the system's buffers. */
export function pausableNetwork(network: Network, clock: PausableClock): Network {
  return {
    dial: (address, channel, handlers) => network.dial(address, channel, heldDial(handlers, clock)),
    listen: (address, channels, accept, ready) =>
      network.listen(
        address,
        channels,
        (connection, channel) => {
          let inner: ConnectionHandlers | null = null;
          clock.deliver(() => {
            inner = accept(connection, channel);
          });
          return {
            onFrame: (frame) => clock.deliver(() => inner?.onFrame(frame)),
            onClose: (reason) => clock.deliver(() => inner?.onClose(reason)),
          };
        },
        (result) => clock.deliver(() => ready(result)),
      ),
  };
}

function heldDial(handlers: DialHandlers, clock: PausableClock): DialHandlers {
  return {
    onOpen: () => clock.deliver(() => handlers.onOpen()),
    onFrame: (frame) => clock.deliver(() => handlers.onFrame(frame)),
    onClose: (reason) => clock.deliver(() => handlers.onClose(reason)),
  };
}
