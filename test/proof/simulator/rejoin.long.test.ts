/** All repetitions of rejoin.test.ts. */
import "./rejoin.test.ts";
