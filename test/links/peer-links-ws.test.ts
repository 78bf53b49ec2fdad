/** The same links over real sockets on the loopback device. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { WsNetwork, type WsNetworkOptions } from "../../src/machine/network/ws-network.ts";
import type { Address, Listener } from "../../src/machine/ports/network.ts";
import { until } from "../conformance/wait.ts";
import { LinkNode, listen, type LinkNodeOptions } from "./harness.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

describe("links over web sockets", () => {
  const addresses = new Map<number, Address>();
  const running: { node: LinkNode; listener: Listener }[] = [];

  /** Ports are taken first, so that every node can know all addresses. */
  beforeEach(async () => {
    for (const id of [1, 2, 3]) {
      const listener = await listen(new WsNetwork(), LOOPBACK, () => ({
        onFrame: () => {},
        onClose: () => {},
      }));
      addresses.set(id, listener.address);
      await new Promise<void>((resolve) => listener.close(resolve));
    }
  });
  afterEach(async () => {
    while (running[0] !== undefined) await stop(running[0].node);
    addresses.clear();
  });

  async function start(
    id: number,
    options: Partial<LinkNodeOptions> = {},
    network: WsNetworkOptions = {},
  ): Promise<LinkNode> {
    const ws = new WsNetwork(network);
    const node = new LinkNode({
      id,
      peers: addresses,
      network: ws,
      clock: nodeClock,
      secret: "s",
      ...options,
    });
    running.push({ node, listener: await listen(ws, addresses.get(id)!, node.accept) });
    node.links.start();
    return node;
  }

  async function stop(node: LinkNode): Promise<void> {
    const index = running.findIndex((each) => each.node === node);
    const [entry] = running.splice(index, 1);
    node.links.stop();
    await new Promise<void>((resolve) => entry!.listener.close(resolve));
  }

  async function connected(...nodes: LinkNode[]): Promise<void> {
    await until(
      () =>
        nodes.every((node) =>
          nodes.every((other) => other === node || node.links.isConnected(other.id)),
        ),
      () => JSON.stringify(nodes.map((node) => node.events)),
    );
  }

  test("three nodes connect, talk, and reconnect when one restarts", async () => {
    const [one, two, three] = [await start(1), await start(2), await start(3)];
    await connected(one, two, three);
    one.send(2, 1, 2);
    three.send(2, 3);
    await until(() => two.received(1).length === 2 && two.received(3).length === 1);
    await stop(two);
    await until(() => one.count("end 2") === 1 && three.count("end 2") === 1);
    const again = await start(2);
    await connected(one, again, three);
    one.send(2, 4);
    await until(() => again.received(1).length === 1);
    expect(one.status(2).counters.sessions).toBe(2);
    expect(one.status(3).counters.sessions).toBe(1);
  });

  test("megabytes in many messages arrive whole and in order", async () => {
    const [one, two] = [await start(1), await start(2)];
    await connected(one, two);
    const frame = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 253);
    for (let i = 0; i < 5; i++) {
      two.links.send(1, { type: "relayAnswer", boot: 7, id: i, frame });
      two.send(1, ...Array.from({ length: 500 }, (_, k) => 500 * i + k));
    }
    await until(() => one.messages.length === 5 * 501);
    expect(one.received(2)).toEqual(Array.from({ length: 2500 }, (_, i) => i));
    const relayed = one.messages.filter(({ message }) => message.type === "relayAnswer");
    expect(
      relayed.every(
        ({ message }) => message.type === "relayAnswer" && Buffer.from(frame).equals(message.frame),
      ),
    ).toBe(true);
  });

  test("breaking keeps the socket, restoring starts the session anew at both ends", async () => {
    const [one, two] = [await start(1), await start(2)];
    await connected(one, two);
    one.links.breakLink(2);
    one.send(2, 1);
    two.send(1, 1);
    await until(() => one.status(2).counters.droppedIn === 1);
    expect(one.links.isConnected(2) && two.links.isConnected(1)).toBe(true);
    one.links.restoreLink(2);
    await until(() => one.count("session") === 2 && two.count("session") === 2);
    one.send(2, 2);
    two.send(1, 2);
    await until(() => one.received(2).length === 1 && two.received(1).length === 1);
    expect([one.received(2), two.received(1)]).toEqual([[2], [2]]);
    expect(one.status(2).counters.sessions).toBe(1);
  });

  test("a process that is frozen is noticed, and the links come back when it wakes", async () => {
    const pings = { pingIntervalMs: 20, pingMissesMax: 3 };
    const one = await start(1, {}, pings);
    let deaf: WebSocket | null = null;
    // Node 2 of this test is a bare socket that shakes no hands and answers no pings.
    deaf = new WebSocket(`ws://127.0.0.1:${addresses.get(1)!.port}/peer`, { autoPong: false });
    await until(() => deaf.readyState === WebSocket.CLOSED);
    expect(one.logged(/peer connection ended in the handshake.*no answer to 3 pings/)).toBe(1);
    const two = await start(2, {}, pings);
    await connected(one, two);
  });

  test("garbage, wrong versions and strangers' secrets end their connection, with a logged reason, and no session", async () => {
    const [one, two] = [await start(1), await start(2)];
    await connected(one, two);
    const url = `ws://127.0.0.1:${addresses.get(1)!.port}/peer`;
    const hello = (version: number): Buffer =>
      Buffer.from([0x4f, 0x4d, 0x4b, 0x56, 1, 0, version, 0x90]);
    const cases: [Buffer, RegExp][] = [
      [Buffer.from("GET / HTTP/1.1"), /not a handshake of omnikv/],
      [hello(3), /version 2 of the peer protocol, the other side version 3/],
      [hello(2), /hello: expected an array of 8/],
      [Buffer.alloc(10_000), /not a handshake of omnikv/],
    ];
    for (const [bytes, reason] of cases) {
      const ws = new WebSocket(url);
      let closed = "";
      ws.on("open", () => ws.send(bytes));
      ws.on("close", (_, text) => (closed = text.toString()));
      await until(() => closed !== "");
      expect(closed).toMatch(reason);
      expect(one.logged(new RegExp(`peer connection refused.*${reason.source}`))).toBeGreaterThan(
        0,
      );
    }
    two.send(1, 9);
    await until(() => one.received(2).length === 1);
    expect(one.status(2).counters.sessions).toBe(1);
  });

  test("a node without the secret is refused, and knows why", async () => {
    const [one, two] = [await start(1), await start(2, { secret: null })];
    await until(() => two.events.length > 0);
    expect(two.events[0]).toBe("refused by 1: UNAUTHORIZED proved");
    expect(two.status(1).reason).toBe("node 1 requires the secret, node 2 has none");
    expect(one.count("session")).toBe(0);
  });
});
