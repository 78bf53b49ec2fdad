/**
 * The store as an abstract-level database: `new OmnikvLevel(client)`.
 *
 * @module omnikv/abstract-level
 */
export { OmnikvLevel, type OmnikvLevelOptions } from "./level.ts";
export type { AdapterClient, AdapterOptions } from "../place.ts";
