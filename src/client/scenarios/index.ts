/** Which links to break: the paper's scenarios, for prompt, page, laboratory and tests. */
export * from "./leadership.ts";
export * from "./pairs.ts";
export * from "./scenarios.ts";
export * from "./steady-load.ts";
