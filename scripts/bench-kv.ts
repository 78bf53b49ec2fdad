/** What the state machine costs: `npx tsx scripts/bench-kv.ts [keys] [value bytes]`. */
import { measureStateMachine } from "../src/measure/experiments/state-machine.ts";

const [keys = "1000000", valueBytes = "128"] = process.argv.slice(2);
measureStateMachine(Number(keys), Number(valueBytes));
