/** See `ws-without-native.ts`: nobody else is to see the variable. */
import { before, VARIABLE } from "./native-off.ts";

if (before === undefined) delete process.env[VARIABLE];
else process.env[VARIABLE] = before;
