/** Runs the client prompt over streams, to its end. */
import { PassThrough, Readable } from "node:stream";
import { text as readAll } from "node:stream/consumers";
import { createClientPrompt } from "../../src/prompt/client-prompt.ts";
import { runPrompt, type RunPromptOptions } from "../../src/prompt/terminal/run-prompt.ts";
import { plainStyle } from "../../src/prompt/terminal/style.ts";
import type { FakeClient } from "./fake-client.ts";

const NODES = [1, 2, 3].map((id) => ({ id, host: "127.0.0.1", port: 4100 + id }));

export interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** @param stepMs by which the clock goes on each time that it is read */
export async function runWith(
  client: FakeClient,
  options: Partial<RunPromptOptions>,
  stepMs = 0,
): Promise<Run> {
  let time = 0;
  const prompt = createClientPrompt({
    client,
    nodes: NODES,
    timeoutMs: 5000,
    style: plainStyle,
    startCommand: (node) => `sh run${node}.sh`,
    now: () => (time += stepMs),
  });
  const output = new PassThrough();
  const errors = new PassThrough();
  const status = await runPrompt(prompt, {
    input: Readable.from([]),
    output,
    errors,
    isTerminal: false,
    command: null,
    json: false,
    bail: false,
    promptText: "> ",
    greeting: "",
    historyPath: null,
    signal: new AbortController().signal,
    ...options,
  });
  output.end();
  errors.end();
  return { status, out: await readAll(output), err: await readAll(errors) };
}
