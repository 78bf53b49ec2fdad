/** Watches, over connections of their own. */
export { WatchFeeds } from "./watch-feeds.ts";
export {
  DeleteEvent,
  type ObserveOptions,
  PutEvent,
  type RangeState,
  type WatchBatch,
  type WatchEvent,
  type WatchItem,
  type WatchOptions,
  type WatchProgress,
} from "./watch-types.ts";
export { Watch } from "./watch.ts";
export { isKey, watchedOf, wrongObserveOptions } from "./watched.ts";
