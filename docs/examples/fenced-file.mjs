// A lock that guards a file. The file is not in the store, so it has to look at the tokens itself: a holder that was paused for
// longer than its lease lasts, and does not know it, comes with a smaller token than the file has seen.
//
//     node docs/examples/fenced-file.mjs file.json
//
// NODES names the cluster; without it nodes 1, 2 and 3 of this machine are meant.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createClient } from "omnikv";

const nodes = process.env.NODES ?? "127.0.0.1:4101,127.0.0.1:4102,127.0.0.1:4103";
const [path = "fenced-file.json"] = process.argv.slice(2);

/** Who guards a file must be one: a process that all writers ask. Here all of them are in this one. */
class FencedFile {
  #token = 0;

  write(token, text) {
    if (token < this.#token) throw new Error(`token ${token} is old, ${this.#token} was here`);
    this.#token = token;
    writeFileSync(`${path}.new`, JSON.stringify({ token, text }));
    renameSync(`${path}.new`, path);
  }
}

const file = new FencedFile();
const [slow, quick] = [createClient(nodes), createClient(nodes)];

// The first holder is robbed while it thinks; a pause of its process would do the same.
let wake;
const paused = new Promise((resolve) => (wake = resolve));
let begun;
const holds = new Promise((resolve) => (begun = resolve));
const first = slow.locks.request("file", async (lock) => {
  begun();
  await paused;
  try {
    file.write(lock.token, "from the late one");
  } catch (error) {
    console.log(`refused by the file: ${error.message}`);
  }
  // What lies in the store needs no guard of its own: the token goes with the write.
  await slow.guarded(lock).write("file/last", "from the late one");
});
first.catch((error) => console.log(`refused by the store: ${error.code}`));

await holds;
await quick.locks.request("file", { steal: true }, async (lock) => {
  file.write(lock.token, "from the one that holds it");
  await quick.guarded(lock).write("file/last", "from the one that holds it");
});
wake();
await first.catch(() => {});
console.log(`in the file: ${JSON.parse(readFileSync(path, "utf8")).text}`);
console.log(`in the store: ${(await quick.read("file/last")).text()}`);
slow.close();
quick.close();
