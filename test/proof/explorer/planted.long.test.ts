/** More planted bugs than `npm test` looks for. */
import "./planted.test.ts";
