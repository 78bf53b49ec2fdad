/** All repetitions of reordering.test.ts. */
import "./reordering.test.ts";
