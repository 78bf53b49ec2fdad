/** A password that is typed before it is asked for, while the command still asks which nodes there are. */
import { spawn, spawnSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ROOT } from "./cluster.ts";

const OMNIKV = join(ROOT, "dist/bin/omnikv.js");
const PASSWORD = "typed-before-it-was-asked-for";
/** For the terminal to show what was typed, if it does. */
const SHOWN_MS = 300;

let server: Server | null = null;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A node that answers which nodes there are, once `onAsked` is over, and nothing else. */
async function listen(onAsked: () => Promise<void>): Promise<number> {
  const node = createServer((request, response) => {
    if (request.url !== "/cluster.json") return void response.writeHead(404).end();
    void onAsked().then(() => response.end(JSON.stringify(info)));
  });
  server = node;
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  const { port } = node.address() as AddressInfo;
  const info = {
    ...{ clusterId: "c", self: 1, nodes: [{ id: 1, host: "127.0.0.1", port }], version: "1.0.0" },
    ...{ faultsAllowed: false, needsSecret: false },
  };
  return port;
}

test.skipIf(spawnSync("script", ["--version"]).status !== 0).each([
  ["get a --user ann", 1],
  ["user passwd ann", 2],
  ["user passwd bob --user ann", 3],
])(
  "%s: it is not shown, and it is the one that was asked for",
  async (words, times) => {
    let type = (): void => {};
    const port = await listen(async () => {
      type();
      await new Promise((resolve) => setTimeout(resolve, SHOWN_MS));
    });
    const line = `"${process.execPath}" "${OMNIKV}" ${words} --nodes 127.0.0.1:${port} --timeout 1s`;
    const child = spawn("script", ["-qefc", line, "/dev/null"], { stdio: "pipe" });
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    type = () => void child.stdin.write(`${PASSWORD}\n`.repeat(times));
    await new Promise((resolve) => child.once("exit", resolve));
    expect(output.match(/password of |once more: /g)).toHaveLength(times);
    expect(output).not.toContain(PASSWORD);
    expect(output).not.toContain("differ");
  },
  30_000,
);
