/** The simulated network keeps the port's promises, and breaks what it is told to break. */
import { describe, expect, test } from "vitest";
import type { Connection, DialHandlers } from "../../../src/machine/ports/network.ts";
import { SimClock } from "../../../src/proof/simulator/sim-clock.ts";
import { SimNetwork, type PathFaults } from "../../../src/proof/simulator/sim-network.ts";
import { networkSuite } from "../../conformance/network.suite.ts";
import { seededRandom } from "../../conformance/seeded-random.ts";

const ADDRESS = { host: "n2", port: 7002 };

networkSuite("simulated", () => {
  const clock = new SimClock();
  const path: PathFaults = { delayMinMs: 0, delayMaxMs: 20, breakPermille: 0, cut: "none" };
  const network = new SimNetwork({ clock, random: seededRandom(7), path });
  return {
    server: network.host("n2"),
    client: network.host("n1"),
    address: { host: "n2", port: 0 },
    until: (condition) => {
      const held = clock.runUntil(condition, 60_000);
      return held ? Promise.resolve() : Promise.reject(new Error("waited in vain"));
    },
    close: () => Promise.resolve(),
  };
});

interface Recorder extends DialHandlers {
  readonly events: string[];
}
function recorder(label = "", into: string[] = []): Recorder {
  return {
    events: into,
    onOpen: () => into.push(`${label}open`),
    onFrame: (frame) => into.push(`${label}${frame[0]}`),
    onClose: (reason) => into.push(`${label}close: ${reason}`),
  };
}

function world(path: Partial<PathFaults> = {}, seed = 1) {
  const clock = new SimClock();
  const network = new SimNetwork({
    clock,
    random: seededRandom(seed),
    path: { delayMinMs: 1, delayMaxMs: 1, breakPermille: 0, cut: "none", ...path },
    halfOpenMs: 5000,
  });
  const server = recorder();
  const connections: Connection[] = [];
  const accept = (connection: Connection): Recorder => {
    connections.push(connection);
    return server;
  };
  network.host("n2").listen(ADDRESS, ["peer"], accept, () => {});
  const client = recorder();
  const connection = network.host("n1").dial(ADDRESS, "peer", client);
  clock.run(50);
  return { clock, network, server, client, connection, connections };
}

describe("faults of the simulated network", () => {
  test("a black hole holds frames, and delivers them in order when it heals in time", () => {
    const { clock, network, server, connection } = world();
    network.setPath("n1", "n2", { cut: "blackHole" });
    for (const byte of [1, 2, 3]) connection.send(Uint8Array.of(byte));
    clock.run(4000);
    expect(server.events).toEqual([]);
    expect(connection.bufferedBytes()).toBe(3);
    network.setPath("n1", "n2", { cut: "none" });
    connection.send(Uint8Array.of(4));
    clock.run(10);
    expect(server.events).toEqual(["1", "2", "3", "4"]);
    clock.run(10_000);
    expect(server.events).toHaveLength(4);
  });

  test("a black hole in one direction lets the other through, and ends both ends after the deadline", () => {
    const { clock, network, server, client, connection, connections } = world();
    network.setPath("n1", "n2", { cut: "blackHole" });
    connection.send(Uint8Array.of(1));
    connections[0]!.send(Uint8Array.of(2));
    clock.run(4999);
    expect(client.events).toEqual(["open", "2"]);
    expect(server.events).toEqual([]);
    clock.run(2);
    expect(client.events.at(-1)).toBe("close: no answer to pings");
    expect(server.events).toEqual(["close: no answer to pings"]);
    expect(network.connectionCount).toBe(0);
  });

  test("a reset ends connections at once and refuses new ones", () => {
    const { clock, network, server, client } = world();
    network.setPath("n2", "n1", { cut: "reset" });
    const second = recorder();
    network.host("n1").dial(ADDRESS, "peer", second);
    clock.run(5);
    expect(client.events.at(-1)).toBe("close: connection reset");
    expect(server.events).toEqual(["close: connection reset"]);
    expect(second.events).toEqual(["close: connection refused"]);
  });

  test("a frame that is lost ends its connection: nothing after it is delivered", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { clock, server, connection } = world({ breakPermille: 200, delayMaxMs: 9 }, seed);
      for (let byte = 0; byte < 30; byte++) connection.send(Uint8Array.of(byte));
      clock.run(100);
      const frames = server.events.filter((event) => /^\d+$/.test(event));
      expect(frames).toEqual(frames.map((_, i) => String(i)));
      expect(server.events.at(-1)).toBe("close: connection broken");
    }
  });

  test("frames of two connections overtake each other, those of one do not", () => {
    let overtaken = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const clock = new SimClock();
      const path = { delayMinMs: 0, delayMaxMs: 50, breakPermille: 0, cut: "none" } as const;
      const network = new SimNetwork({ clock, random: seededRandom(seed), path });
      const seen: string[] = [];
      let count = 0;
      const accept = (): Recorder => recorder(`${count++}:`, seen);
      network.host("n2").listen(ADDRESS, ["peer"], accept, () => {});
      const dialed = [0, 1].map(() => network.host("n1").dial(ADDRESS, "peer", recorder()));
      clock.run(200);
      for (let byte = 0; byte < 20; byte++) dialed[byte % 2]!.send(Uint8Array.of(byte));
      clock.run(200);
      for (const label of ["0:", "1:"]) {
        const own = seen.filter((event) => event.startsWith(label)).map((e) => Number(e.slice(2)));
        expect(own).toEqual([...own].sort((a, b) => a - b));
      }
      const all = seen.map((event) => Number(event.slice(2)));
      expect(all).toHaveLength(20);
      if (all.some((byte, i) => byte < (all[i - 1] ?? 0))) overtaken += 1;
    }
    expect(overtaken).toBeGreaterThan(10);
  });

  test("a crash ends connections at the other end, after what was sent, and silences the crashed host", () => {
    const { clock, network, server, client, connection, connections } = world();
    connections[0]!.send(Uint8Array.of(9));
    connection.send(Uint8Array.of(1));
    network.crash("n2");
    clock.run(10);
    expect(client.events).toEqual(["open", "9", "close: connection lost"]);
    expect(server.events).toEqual([]);
    const second = recorder();
    network.host("n1").dial(ADDRESS, "peer", second);
    clock.run(10);
    expect(second.events).toEqual(["close: connection refused"]);
  });

  test("a machine that vanishes is noticed only after the deadline", () => {
    const { clock, network, client } = world();
    network.crash("n2", true);
    clock.run(4999);
    expect(client.events).toEqual(["open"]);
    clock.run(2);
    expect(client.events.at(-1)).toBe("close: no answer to pings");
  });

  test("a dial into a black hole times out", () => {
    const { clock, network } = world();
    network.setPath("n2", "n1", { cut: "blackHole" });
    const second = recorder();
    network.host("n1").dial(ADDRESS, "peer", second);
    clock.run(10_000);
    expect(second.events).toEqual(["close: dial timed out"]);
  });
});
