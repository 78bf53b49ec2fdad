/** All repetitions of watch.test.ts. */
import "./watch.test.ts";
