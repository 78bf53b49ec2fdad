/** More planted bugs than `npm test` looks for. */
import "./mutants.test.ts";
