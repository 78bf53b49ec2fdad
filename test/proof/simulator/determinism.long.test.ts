/** All repetitions of determinism.test.ts. */
import "./determinism.test.ts";
