/** All repetitions of crash.test.ts. */
import "./crash.test.ts";
