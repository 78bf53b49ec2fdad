/** The heap of this process. A node asks ten times a second; full collections are noticed when they happen. */
import { constants, PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Memory, MemoryReading } from "../ports/index.ts";
import { heapLimitBytes } from "./heap-limit.ts";

/** An observer's entry for a collection; the types do not say what is in it. */
interface Collection extends PerformanceEntry {
  readonly detail?: { readonly kind?: number };
}

export class NodeMemory implements Memory {
  readonly #limitBytes = heapLimitBytes();
  #liveBytes: number | null = null;
  #collections = 0;

  constructor() {
    const observer = new PerformanceObserver((list) => {
      const collections = list.getEntries() as readonly Collection[];
      const full = collections.some(
        ({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR,
      );
      if (!full) return;
      this.#collections += 1;
      this.#liveBytes = getHeapStatistics().used_heap_size;
    });
    observer.observe({ entryTypes: ["gc"] });
  }

  read(): MemoryReading {
    return {
      limitBytes: this.#limitBytes,
      liveBytes: this.#liveBytes,
      collections: this.#collections,
    };
  }
}

let shared: NodeMemory | null = null;

/** One for the whole process: it lives as long as the process does, and several nodes may begin and end within it. */
export function processMemory(): Memory {
  shared ??= new NodeMemory();
  return shared;
}
