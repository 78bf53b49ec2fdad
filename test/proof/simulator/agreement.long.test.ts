/** All repetitions of agreement.test.ts. */
import "./agreement.test.ts";
