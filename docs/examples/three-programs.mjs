// Three of these programs are a cluster. Each in a terminal of its own:
//
//     node docs/examples/three-programs.mjs 1
//     node docs/examples/three-programs.mjs 2
//     node docs/examples/three-programs.mjs 3
//
// Each adds one to a counter that all of them share, once a second, and says what it is. End one with Ctrl-C: the others go on.
import { startNode } from "omnikv/server";

const [, , id = "1", members = "1=127.0.0.1,2=127.0.0.1,3=127.0.0.1", directory = "data"] =
  process.argv;

const node = await startNode({
  node: Number(id),
  members,
  dataDir: `${directory}/program${id}`,
  logger: { warn: console.warn, error: console.error },
});
// Signals are the program's own affair; the node takes none.
let isOver = false;
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (isOver = true));
node.ended
  .then((end) => {
    if (end.reason === "failed") console.error(end.error.message);
    return (isOver = true);
  })
  .catch(console.error);

await node.ready({ timeoutMs: 60_000 });
console.log(`program ${id}: ready`);
const kv = node.client();
while (!isOver) {
  try {
    const { result } = await kv.transact(async (tx) => {
      const next = Number((await tx.get("counter")).text() ?? 0) + 1;
      tx.put("counter", String(next));
      return next;
    });
    console.log(`program ${id}: ${result}`);
  } catch (error) {
    // Without a majority nobody counts; the next second may be better.
    if (!isOver) console.log(`program ${id}: ${error.code} ${error.message}`);
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
// Hands leadership over, if this node leads, before it goes.
await node.stop();
console.log(`program ${id}: stopped`);
