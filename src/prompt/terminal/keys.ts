/** The keys of a terminal, for code that takes them from the line editor for a while. */
import { emitKeypressEvents } from "node:readline";
import type { Readable } from "node:stream";

export interface Key {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
}

export type OnKey = (text: string | undefined, key: Key) => void;

/** Of a tty.ReadStream; a stream that is none is always raw. */
interface Keyboard extends Readable {
  readonly isRaw?: boolean;
  setRawMode?(raw: boolean): unknown;
}

/**
 * From now on every key goes to `onKey` alone.
 * @returns gives the keys back to the listeners that had them
 */
export function takeKeys(input: Keyboard, onKey: OnKey): () => void {
  emitKeypressEvents(input);
  // The line editor, if there is one, must not see these keys. Ours is added first: without any listener for keys
  // the stream would stop to decode them.
  const others = input.listeners("keypress") as OnKey[];
  input.on("keypress", onKey);
  for (const other of others) input.off("keypress", other);
  const madeRaw = input.setRawMode !== undefined && input.isRaw !== true;
  if (madeRaw) input.setRawMode?.(true);
  input.resume();
  let isGiven = false;
  return () => {
    if (isGiven) return;
    isGiven = true;
    for (const other of others) input.on("keypress", other);
    input.off("keypress", onKey);
    if (!madeRaw) return;
    input.setRawMode?.(false);
    input.pause();
  };
}
