/** Values that a client hands out: small ones share memory, and nobody is to notice. */
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { bytesOf, ownBytes } from "../../src/client/terms/index.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("to hand one value to a worker, with its buffer, leaves the others as they are", () => {
  const [a, b] = [ownBytes(Buffer.from("AAAA")), ownBytes(Buffer.from("BBBB"))];
  expect(a.buffer).toBe(b.buffer);
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(a, [a.buffer as ArrayBuffer]);
  } catch (error) {
    // Later versions of Node.js refuse it instead of copying.
    expect((error as Error).name).toBe("DataCloneError");
  } finally {
    port1.close();
    port2.close();
  }
  expect([text(a), text(b)]).toEqual(["AAAA", "BBBB"]);
  expect(text(ownBytes(Buffer.from("CCCC")))).toBe("CCCC");
});

test("when the shared memory was taken away all the same, others get new one", () => {
  const before = ownBytes(Buffer.from("AAAA"));
  // What ArrayBuffer.prototype.transfer does, where there is one.
  const taken = before.buffer as ArrayBuffer & { transfer?: () => ArrayBuffer };
  taken.transfer?.();
  expect(text(bytesOf(Buffer.from("BBBB")))).toBe("BBBB");
});
