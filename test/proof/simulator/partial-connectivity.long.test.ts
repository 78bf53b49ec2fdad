/** All repetitions of partial-connectivity.test.ts. */
import "./partial-connectivity.test.ts";
