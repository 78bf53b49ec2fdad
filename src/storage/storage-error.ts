/** Passed on, so that this room has it at hand: all of it throws this error. It is made in `base`, so that commands can tell it from a bug without knowing storage. */
export { StorageError, type StorageErrorCode } from "../base/index.ts";
