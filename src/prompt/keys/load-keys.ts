/** Carries out `load` of the client prompt: a line a second, or redrawn in place, until it is interrupted. */
import { setMaxListeners } from "node:events";
import type { KvRequests } from "../../client/index.ts";
import type { RequestOptions } from "../../client/terms/index.ts";
import { Load, LOAD_KEYS, type LoadView } from "../../client/scenarios/index.ts";
import type { LoadAction } from "../commands/index.ts";
import {
  EXIT,
  formatDuration,
  type Outcome,
  roundMs,
  type Screen,
  type Style,
} from "../terminal/index.ts";

/** Time as the load needs it: a Clock, or a part of one. */
export interface LoadClock {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Calls back once, not before `ms` milliseconds have passed. */
  after(ms: number, callback: () => void): () => void;
}

export interface LoadRun {
  readonly client: Pick<KvRequests, "request">;
  readonly clock: LoadClock;
  readonly request: RequestOptions & { readonly signal: AbortSignal };
  readonly style: Style;
  readonly screen: Screen;
}

const TOLD_EVERY_MS = 1000;

/** The writes that were answered in the last second, in milliseconds. */
interface Second {
  readonly answered: number;
  readonly medianMs: number;
  readonly slowestMs: number;
}

/** Writes that were answered, and for how long none was. */
class Answers {
  readonly #clock: LoadClock;
  #latenciesMs: number[] = [];
  #lastMs: number;
  #longestGapMs = 0;

  constructor(clock: LoadClock) {
    this.#clock = clock;
    this.#lastMs = clock.now();
  }

  add(sentMs: number): void {
    const now = this.#clock.now();
    this.#latenciesMs.push(now - sentMs);
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastMs);
    this.#lastMs = now;
  }

  /** The one that goes on now counts. */
  get longestGapMs(): number {
    return Math.max(this.#longestGapMs, this.#clock.now() - this.#lastMs);
  }

  /** Since it was last asked for. */
  takeSecond(): Second {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    this.#latenciesMs = [];
    const medianMs = sorted[Math.floor(sorted.length / 2)] ?? 0;
    return { answered: sorted.length, medianMs, slowestMs: sorted.at(-1) ?? 0 };
  }
}

/** Never rejects: errors of writes are counted and shown. */
export async function loadKeys(run: LoadRun, { perSecond, forMs }: LoadAction): Promise<Outcome> {
  const { client, clock, request, style, screen } = run;
  const startedMs = clock.now();
  // Each write that waits listens to it, and Node.js 20 warns of a leak when eleven do.
  setMaxListeners(0, request.signal);
  const answers = new Answers(clock);
  const load = new Load({
    clock,
    write: async (key, value) => {
      const sentMs = clock.now();
      await client.request({ op: "write", key, value }, request);
      answers.add(sentMs);
    },
  });
  const over = new AbortController();
  const end = (): void => over.abort();
  request.signal.addEventListener("abort", end, { once: true });
  if (request.signal.aborted) end();
  const cancelTime = forMs === null ? () => {} : clock.after(forMs, end);
  const { live } = screen;
  live?.open(end);
  load.set(perSecond);
  let last: LoadView;
  try {
    for (let seconds = 0; ; seconds++) {
      const second = answers.takeSecond();
      const elapsedMs = clock.now() - startedMs;
      const state = { view: load.view, second, elapsedMs, longestGapMs: answers.longestGapMs };
      if (live !== null) live.draw(drawn(state, style));
      else if (seconds > 0) screen.show(tick(state, style));
      if (over.signal.aborted || screen.isOver?.() === true) break;
      await pause(clock, over.signal);
    }
  } finally {
    // A write that is under way at the end has not failed: it is not counted.
    last = load.view;
    load.set(0);
    cancelTime();
    live?.close();
    request.signal.removeEventListener("abort", end);
  }
  return summary(last, answers.longestGapMs, clock.now() - startedMs, style);
}

/** For a second, or until it is over. */
function pause(clock: LoadClock, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      over.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(TOLD_EVERY_MS, wake);
    over.addEventListener("abort", wake, { once: true });
  });
}

interface LoadState {
  readonly view: LoadView;
  readonly second: Second;
  readonly elapsedMs: number;
  readonly longestGapMs: number;
}

function drawn({ view, second, elapsedMs, longestGapMs }: LoadState, style: Style): string[] {
  const counts = [
    `${view.answered} answered`,
    `${view.failed} failed`,
    `${view.waiting} waiting`,
    ...(view.heldBack > 0 ? [`${view.heldBack} held back`] : []),
  ];
  return [
    `${style.strong(`${view.perSecond} writes a second`)} to load/0 … load/${LOAD_KEYS - 1}, for ${formatDuration(elapsedMs)}`,
    `  ${counts.join(" · ")}`,
    `  the last second: ${secondText(second, style)}`,
    `  longest time without an answer: ${formatDuration(longestGapMs)}`,
    ...(view.trouble === null ? [] : [`  ${style.bad(view.trouble)}`]),
    style.dim("q or Ctrl-C ends"),
  ];
}

function tick({ view, second, elapsedMs }: LoadState, style: Style): Outcome {
  const time = style.dim(`+${(elapsedMs / 1000).toFixed(1)} s`.padStart(9));
  const trouble = view.trouble === null ? "" : `, ${style.bad(view.trouble)}`;
  return {
    text: `${time}  ${secondText(second, style)}, ${view.waiting} waiting${trouble}`,
    json: {
      ok: true,
      op: "load",
      event: "second",
      answered: second.answered,
      medianMs: roundMs(second.medianMs),
      slowestMs: roundMs(second.slowestMs),
      waiting: view.waiting,
      failed: view.failed,
      ms: roundMs(elapsedMs),
    },
    status: EXIT.ok,
  };
}

function secondText({ answered, medianMs, slowestMs }: Second, style: Style): string {
  if (answered === 0) return style.warn("no answer");
  return `${answered} answered, median ${formatDuration(medianMs)}, slowest ${formatDuration(slowestMs)}`;
}

function summary(view: LoadView, longestGapMs: number, ms: number, style: Style): Outcome {
  const { answered, failed, heldBack } = view;
  const words = [
    `${answered} writes answered`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(heldBack > 0 ? [`${heldBack} held back while too many waited`] : []),
    `longest time without an answer ${formatDuration(longestGapMs)}`,
  ];
  return {
    text: `${style.good("ok")}, ${words.join(", ")} ${style.dim(`(${formatDuration(ms)})`)}`,
    json: {
      ok: true,
      op: "load",
      event: "end",
      answered,
      failed,
      heldBack,
      longestGapMs: roundMs(longestGapMs),
      ms: roundMs(ms),
    },
    status: EXIT.ok,
  };
}
