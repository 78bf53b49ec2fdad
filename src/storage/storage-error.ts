/** Everything here throws it; it lives in `base` so that the commands can tell it from a bug without knowing storage. */
export { StorageError, type StorageErrorCode } from "../base/index.ts";
