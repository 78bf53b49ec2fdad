/** Requests that wait for one node, without a node. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { SESSION_NONCE_BYTES } from "../../../src/base/limits.ts";
import { ClientSession } from "../../../src/client/core/client-session.ts";
import { Lane } from "../../../src/client/core/lane.ts";
import type { NodeLink } from "../../../src/client/core/node-link.ts";
import { newRequest, type WriteRequest } from "../../../src/client/core/request.ts";
import { decodeClientFrame } from "../../../src/protocol/client/client.ts";
import { write } from "../ask.ts";

function newLane(): {
  lane: Lane;
  session: ClientSession;
  frames: Uint8Array[];
  flush: () => WriteRequest[];
} {
  const frames: Uint8Array[] = [];
  const link = {
    send: (frame: Uint8Array) => frames.push(frame.slice()),
    bufferedBytes: () => 0,
  } as unknown as NodeLink;
  const lane = new Lane(0, link, () => () => {});
  const session = new ClientSession((length) => new Uint8Array(length).fill(frames.length));
  const flush = (): WriteRequest[] => {
    const sent: WriteRequest[] = [];
    lane.flush(session, 0, (request) => {
      request.state = "sent";
      if (request.isWrite) sent.push(request);
    });
    return sent;
  };
  return { lane, session, frames, flush };
}

const newWrite = (): WriteRequest =>
  newRequest(write("a", "v"), null, 1000, 1000, () => {}) as WriteRequest;

test("a write that had a number of a session that expired asks for another session, and gets a number of that", () => {
  const { lane, session, frames, flush } = newLane();
  session.opened(new Uint8Array(SESSION_NONCE_BYTES), 5);
  const request = newWrite();
  session.admit(request);
  lane.enqueue(request);
  session.expired();
  session.release(request);
  request.number = 0;
  expect(flush()).toEqual([]);
  expect(frames.map((frame) => decodeClientFrame(frame).kind)).toEqual(["writes"]);
  session.opened(session.nonce, 6);
  expect(flush()).toEqual([request]);
  expect(request).toMatchObject({ number: 2, session: 6 });
  expect(lane.isEmpty).toBe(true);
});

test("what is over is let go of while no session can be opened, however many more writes come", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { lane, flush } = newLane();
  const waiting = newWrite();
  lane.enqueue(waiting);
  const over = Array.from({ length: 1000 }, () => {
    const request = newWrite();
    lane.enqueue(request);
    request.state = "over";
    flush();
    return new WeakRef(request);
  });
  // References that were made in this turn of the event loop live as long as it does.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  const held = over.filter((request) => request.deref() !== undefined);
  expect(held.length).toBeLessThan(32);
  expect(lane.queued()).toEqual([waiting]);
  waiting.state = "over";
  expect(lane.queued()).toEqual([]);
  expect(lane.isEmpty).toBe(true);
});
