/** Nodes that shake hands and are slow, or unwilling, to let a client sign in. */
import { describe, expect, test } from "vitest";
import { ERRORS, KvError } from "../../../src/base/errors.ts";
import { acceptWithHandshake } from "../../../src/links/handshake/index.ts";
import type { Connection } from "../../../src/machine/ports/index.ts";
import {
  AnswerWriter,
  decodeClientFrame,
  decodeSignIn,
  encodeSignedIn,
  SIGN_IN_FRAME,
} from "../../../src/protocol/client/index.ts";
import { bytesOf, CommandCursor, STATUS } from "../../../src/store/index.ts";
import { OP } from "../../../src/store/operations/index.ts";
import { ask, read, submit, write } from "../ask.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";
import { FakeCluster } from "../fake-cluster.ts";

const SESSION = 2 ** 52 + 4096;

/** Takes the node's place. @param onFrame told of what comes over a connection whose handshake is over */
function standIn(
  cluster: FakeCluster,
  id: number,
  onFrame: (frame: Uint8Array, connection: Connection) => void,
): void {
  const { host, address } = cluster.node(id);
  cluster.node(id).stop();
  cluster.clock.run(5);
  cluster.network.host(host).listen(
    address,
    ["client"],
    (connection) =>
      acceptWithHandshake(connection, {
        clock: cluster.clock,
        random: seededRandom(200 + id),
        timeoutMs: 1000,
        handshake: {
          secret: null,
          session: 1,
          self: {
            channel: "client",
            clusterId: "test",
            nodeId: id,
            targetId: null,
            incarnation: null,
            origin: cluster.state.origin,
            configurationId: 1,
            peer: null,
          },
        },
        established: (open) => ({
          onFrame: (frame) => onFrame(frame.slice(), open),
          onClose: () => {},
        }),
        failed: () => {},
      }),
    () => {},
  );
  cluster.clock.run(5);
}

test("a node that does not answer a sign-in is left after the connect time-out", () => {
  const cluster = new FakeCluster(2);
  let asked = 0;
  for (const id of [1, 2]) standIn(cluster, id, () => (asked += 1));
  const core = cluster.core({ user: "ann", password: "x", firstNode: 1, connectTimeoutMs: 500 });
  const { error, tookMs } = ask(cluster, core, read("a"), 1);
  expect(error).toMatchObject({ code: "CONNECTION_FAILED", definite: true });
  expect(error?.message).toContain("node 1 at node1:4101: not signed in within 500 ms");
  expect(tookMs).toBeLessThan(550);
  // One that names no node tries the others, and this one again.
  asked = 0;
  expect(ask(cluster, core, read("a")).error).toMatchObject({ code: "CONNECTION_FAILED" });
  expect(asked).toBeGreaterThan(6);
  core.close();
  cluster.clock.run(20_000);
  expect(cluster.clock.pending).toBe(0);
});

test("a write that was refused as that of nobody goes on under another number: its session would repeat the refusal", () => {
  const cluster = new FakeCluster(1);
  const numbers: number[] = [];
  const answers = new AnswerWriter();
  const cursor = new CommandCursor();
  let signIns = 0;
  standIn(cluster, 1, (frame, connection) => {
    if (frame[0] === SIGN_IN_FRAME) {
      signIns += 1;
      return connection.send(encodeSignedIn({ token: "t", lifetimeMs: 2000 }));
    }
    const decoded = decodeClientFrame(frame);
    if (decoded.kind !== "writes") return;
    cursor.resetToGroup(decoded.group);
    while (cursor.next()) {
      const { op, session, sequence } = cursor;
      if (op === OP.openSession) answers.opened(sequence, bytesOf(cursor.nonce()), SESSION, 7);
      else {
        numbers.push(sequence);
        const isFirst = sequence === numbers[0];
        const status = isFirst ? ERRORS.UNAUTHENTICATED.wire : STATUS.ok;
        answers.write(session, sequence, status, 1, undefined);
      }
    }
    answers.drain(1, (drained) => connection.send(drained.slice()));
  });
  const core = cluster.core({ user: "ann", password: "x" });
  const { error, answer } = ask(cluster, core, write("a", "1"));
  expect(error).toBeNull();
  expect(answer).toMatchObject({ status: STATUS.ok });
  expect(signIns).toBe(2);
  expect(new Set(numbers).size).toBe(2);
  core.close();
});

describe("while the function of the password throws", () => {
  const busy = (): never => {
    throw new Error("EBUSY: the file is being replaced");
  };

  /** @param rightly which password is right now */
  function started(rightly: () => string): { cluster: FakeCluster; passwords: string[] } {
    const cluster = new FakeCluster(1);
    const passwords: string[] = [];
    standIn(cluster, 1, (frame, connection) => {
      if (frame[0] !== SIGN_IN_FRAME) return;
      const { proof } = decodeSignIn(frame);
      const password = "password" in proof ? proof.password : "";
      passwords.push(password);
      const answer =
        password === rightly()
          ? { token: "t", lifetimeMs: 2000 }
          : new KvError("UNAUTHENTICATED", "no");
      connection.send(encodeSignedIn(answer));
    });
    return { cluster, passwords };
  }

  test("what it returned last counts, and a watch goes on when it returns again", async () => {
    let right = "old";
    const { cluster, passwords } = started(() => right);
    let password = (): string => "old";
    const client = cluster.client({ user: "ann", password: () => password() });
    let end: unknown = null;
    const watch = client.watch({ prefix: "a" }, { timeoutMs: 60_000 });
    watch.next().catch((error: unknown) => (end = error));
    cluster.clock.run(1500);
    password = busy;
    cluster.clock.run(2000);
    expect(passwords.length).toBeGreaterThan(1);
    // The earlier one is wrong by now, which only says that the newer one must be waited for.
    right = "new";
    cluster.clock.run(4000);
    password = () => "new";
    cluster.clock.run(4000);
    await Promise.resolve();
    expect(new Set(passwords)).toEqual(new Set(["old", "new"]));
    expect(passwords.at(-1)).toBe("new");
    expect(end).toBeNull();
    client.close();
  });

  test("and has not returned any yet, the client waits for it; one that returns none is a mistake", () => {
    const { cluster, passwords } = started(() => "new");
    let password: () => string = busy;
    const core = cluster.core({ user: "ann", password: () => password() });
    const late = ask(cluster, core, read("a"));
    expect(late.error).toMatchObject({ code: "CONNECTION_FAILED", definite: true });
    expect(late.error?.message).toContain("EBUSY");
    const pending = submit(cluster, core, read("a"));
    cluster.clock.run(1000);
    password = () => "new";
    cluster.clock.run(1000);
    expect(passwords).toEqual(["new"]);
    pending.cancel();
    const wrong = cluster.core({ user: "ann", password: () => "" });
    const { error, tookMs } = ask(cluster, wrong, read("a"));
    expect(error).toMatchObject({ code: "UNAUTHENTICATED" });
    expect(tookMs).toBeLessThan(100);
    core.close();
    wrong.close();
  });
});
