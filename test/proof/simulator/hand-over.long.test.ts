/** All repetitions of hand-over.test.ts. */
import "./hand-over.test.ts";
