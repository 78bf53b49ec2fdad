/** `import { OmnikvLevel } from "omnikv/abstract-level"`. */
export { OmnikvLevel, type OmnikvLevelOptions } from "./level.ts";
export type { AdapterClient, AdapterOptions } from "../place.ts";
