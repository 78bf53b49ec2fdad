/**
 * Listening to signals that many requests share: a signal has one listener of ours, however many requests there are. Node.js warns of a
 * leak at eleven (MaxListenersExceededWarning), and a program that cancels a hundred requests with one signal leaks nothing.
 */
const listening = new WeakMap<AbortSignal, Listening>();

interface Listening {
  readonly callbacks: Set<() => void>;
  readonly tell: () => void;
}

/**
 * Calls back when the signal is aborted, once, and never when it already is.
 * @returns stops listening; to call it again does no harm
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const known = listening.get(signal) ?? listen(signal);
  // The same function may be handed in twice: each stands for itself.
  const own = (): void => callback();
  known.callbacks.add(own);
  return () => {
    if (!known.callbacks.delete(own) || known.callbacks.size > 0) return;
    if (listening.get(signal) === known) listening.delete(signal);
    try {
      signal.removeEventListener("abort", known.tell);
    } catch {
      // A signal of somebody else's making. It may go on to call: nobody is listening.
    }
  };
}

function listen(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>();
  const tell = (): void => {
    listening.delete(signal);
    // A callback that another one removes meanwhile is not called any more, as with the signal's own listeners.
    for (const callback of callbacks) {
      callbacks.delete(callback);
      callback();
    }
  };
  const known = { callbacks, tell };
  listening.set(signal, known);
  signal.addEventListener("abort", tell, { once: true });
  return known;
}
