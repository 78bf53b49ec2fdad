/** Which links to break, the paper's scenarios, and the steady load under which that shows: for prompt, page, laboratory and tests. */
export * from "./leadership.ts";
export * from "./pairs.ts";
export * from "./scenarios.ts";
export * from "./steady-load.ts";
