// The suite of abstract-level itself, by tape, as its authors run it. A program of its own: tape ends the process that it is in.
// Started with the address of a cluster, on which it may do as it likes.
import suite from "abstract-level/test/index.js";
import test from "tape";
import { createClient } from "../../dist/client/api/index.js";
import { OmnikvLevel } from "../../dist/adapters/abstract-level/index.js";

const client = createClient(process.argv[2]);
let databases = 0;
suite({
  test,
  factory: (options) => new OmnikvLevel(client, { ...options, prefix: `level-${databases++}/` }),
});
test("the client is closed", (t) => {
  client.close();
  t.end();
});
