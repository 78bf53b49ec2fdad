/** All repetitions of mistakes.test.ts. */
import "./mistakes.test.ts";
