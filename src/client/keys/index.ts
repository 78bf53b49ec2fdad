/** Requests on keys: as operations, and their answers as results. */
export { type BatchPort, runBatch, wrongBatch } from "./batch.ts";
export { type AskForVersions, type KeyVersion, versionsOf } from "./key-version.ts";
export { type AskForKeys, keysInParts } from "./keys-in-parts.ts";
export { askedInOrder, FirstOfPages, orderedPages } from "./ordered-range.ts";
export { PagedItems } from "./paged-items.ts";
export { type AskForPage, keyEntryOf, keyValueOf, pagesOf, rangeOf } from "./range.ts";
export { operationOf, resultOf, wrongRequest } from "./requests.ts";
export { changeRevision, isLocal, notUnderstood, readResults } from "./results.ts";
