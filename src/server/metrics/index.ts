/** Pages for operators. */
export { operatorPages } from "./pages.ts";
