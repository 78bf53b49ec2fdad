/** All repetitions of snapshot-load.test.ts. */
import "./snapshot-load.test.ts";
