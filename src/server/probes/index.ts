/** The checks that tell whether a node can serve. */
export {
  type Check,
  checksOf,
  deathOf,
  isReady,
  type Life,
  parseChecks,
  PASSED_TEXT,
  renderChecks,
  type ToldCheck,
} from "./checks.ts";
export { provesToken, readToken } from "./read-token.ts";
