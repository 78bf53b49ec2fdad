/** Which checks make a node fit to be asked. */
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
