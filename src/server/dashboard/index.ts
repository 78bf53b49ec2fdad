/** The page over HTTP. */
export { createDashboard } from "./dashboard.ts";
