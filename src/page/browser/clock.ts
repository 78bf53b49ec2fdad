import type { CancelTimer, Clock } from "../../machine/ports/index.ts";

/** The page's monotonic time. In a hidden tab timers come once a second at most. */
export function createBrowserClock(): Clock {
  // A message to the page itself arrives as an event of its own, and unlike a timer is not held back.
  const channel = new MessageChannel();
  let waiting: (() => void)[] = [];
  channel.port1.addEventListener("message", () => {
    const due = waiting;
    waiting = [];
    for (const callback of due) callback();
  });
  channel.port1.start();
  return {
    now: () => performance.now(),
    after(ms: number, callback: () => void): CancelTimer {
      const due = performance.now() + ms;
      let timer: ReturnType<typeof setTimeout>;
      const arm = (): void => {
        timer = setTimeout(
          () => {
            // Timers count whole milliseconds and may be up to one early.
            if (performance.now() < due) arm();
            else callback();
          },
          Math.ceil(due - performance.now()),
        );
      };
      arm();
      return () => clearTimeout(timer);
    },
    endOfTurn(callback: () => void): void {
      waiting.push(callback);
      if (waiting.length === 1) channel.port2.postMessage(null);
    },
  };
}
