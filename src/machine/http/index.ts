/** One HTTP request and its answer. */
export { type HttpAnswer, httpGet } from "./http-get.ts";
