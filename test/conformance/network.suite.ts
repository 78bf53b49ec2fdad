/** What every Network promises (src/machine/ports/network.ts). Run on web sockets and on the simulated network alike. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  Address,
  Channel,
  Connection,
  ConnectionHandlers,
  Listener,
  Network,
} from "../../src/machine/ports/network.ts";

export interface NetworkWorld {
  readonly server: Network;
  readonly client: Network;
  /** Where the server may listen, with port 0 for any. */
  readonly address: Address;
  /** Resolves when the condition holds; rejects when it does not within a reasonable time. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** One side of a connection, with everything that happened to it, in order. */
class Side {
  readonly events: string[] = [];
  readonly frames: Uint8Array[] = [];
  connection: Connection | null = null;
  inCall = false;
  onFrame: (frame: Uint8Array) => void = () => {};

  readonly handlers = {
    onOpen: (): void => this.#event("open"),
    onFrame: (frame: Uint8Array): void => {
      this.#event(`frame ${frame.length}`);
      this.frames.push(frame);
      this.onFrame(frame);
    },
    onClose: (reason: string): void => this.#event(`close ${reason}`),
  };

  get closed(): boolean {
    return this.events.some((event) => event.startsWith("close"));
  }

  /** A call of the port, during which no handler may run. */
  call(body: (connection: Connection) => void): void {
    this.inCall = true;
    body(this.connection!);
    this.inCall = false;
  }

  #event(event: string): void {
    if (this.inCall) throw new Error(`${event} came from within a call`);
    this.events.push(event);
  }
}

export function networkSuite(name: string, makeWorld: () => NetworkWorld): void {
  describe(`network: ${name}`, () => {
    let world: NetworkWorld;
    let listener: Listener | null = null;
    let accepted: { side: Side; channel: Channel }[] = [];

    beforeEach(() => {
      world = makeWorld();
      accepted = [];
    });
    afterEach(async () => {
      if (listener !== null) await stop(listener);
      listener = null;
      await world.close();
    });

    async function stop(which: Listener): Promise<void> {
      let done = false;
      which.close(() => (done = true));
      await world.until(() => done);
    }

    async function tryListen(
      address: Address,
      channels: readonly Channel[] = ["peer", "client", "admin"],
    ): Promise<Listener | Error> {
      let result: Listener | Error | null = null;
      const accept = (connection: Connection, channel: Channel): ConnectionHandlers => {
        const side = new Side();
        side.connection = connection;
        connection.admit();
        accepted.push({ side, channel });
        return side.handlers;
      };
      world.server.listen(address, channels, accept, (ready) => (result = ready));
      await world.until(() => result !== null);
      return result!;
    }

    async function listen(channels?: readonly Channel[]): Promise<void> {
      const result = await tryListen(world.address, channels);
      if (result instanceof Error) throw result;
      listener = result;
    }

    function dial(channel: Channel = "peer"): Side {
      const side = new Side();
      side.connection = world.client.dial(listener!.address, channel, side.handlers);
      side.connection.admit();
      return side;
    }

    async function pair(channel: Channel = "peer"): Promise<{ dialer: Side; acceptor: Side }> {
      const before = accepted.length;
      const dialer = dial(channel);
      await world.until(() => dialer.events.includes("open") && accepted.length > before);
      return { dialer, acceptor: accepted.at(-1)!.side };
    }

    test("a dial opens a connection on the channel it names", async () => {
      await listen();
      for (const channel of ["peer", "client", "admin"] as const) {
        await pair(channel);
        expect(accepted.at(-1)!.channel).toBe(channel);
      }
    });

    test("frames arrive whole, once and in order, in both directions", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000, 3];
      for (const size of sizes) {
        dialer.connection!.send(new Uint8Array(size).fill(size % 251));
        acceptor.connection!.send(new Uint8Array(size).fill(size % 241));
      }
      await world.until(() => dialer.frames.length === 8 && acceptor.frames.length === 8);
      expect(acceptor.frames.map((frame) => frame.length)).toEqual(sizes);
      expect(dialer.frames.map((frame) => frame.length)).toEqual(sizes);
      expect(acceptor.frames.every((frame) => frame.every((b) => b === frame.length % 251))).toBe(
        true,
      );
      expect(dialer.frames.every((frame) => frame.every((b) => b === frame.length % 241))).toBe(
        true,
      );
    });

    test("many small frames of one turn keep their order, and what was received is not overwritten", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      for (let i = 0; i < 2000; i++) dialer.connection!.send(Buffer.from(String(i)));
      await world.until(() => acceptor.frames.length === 2000);
      expect(acceptor.frames.map((frame) => Buffer.from(frame).toString())).toEqual(
        Array.from({ length: 2000 }, (_, i) => String(i)),
      );
    });

    test("sending does not change the frame", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      const frame = new Uint8Array(5000).fill(7);
      dialer.connection!.send(frame);
      await world.until(() => acceptor.frames.length === 1);
      expect(frame.every((byte) => byte === 7)).toBe(true);
    });

    test("close delivers what is queued, then the reason, once at each end", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      dialer.call((connection) => {
        connection.send(new Uint8Array(10));
        connection.close("had enough");
        connection.send(new Uint8Array(11));
        connection.close("again");
      });
      await world.until(() => dialer.closed && acceptor.closed);
      expect(acceptor.events).toEqual(["frame 10", "close had enough"]);
      expect(dialer.events).toEqual(["open", "close had enough"]);
    });

    test("a long reason is cut at a character", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      acceptor.connection!.close("é".repeat(100));
      await world.until(() => dialer.closed);
      const reason = dialer.events.at(-1)!.replace("close ", "");
      expect(Buffer.byteLength(reason)).toBeGreaterThan(110);
      expect("é".repeat(100).startsWith(reason)).toBe(true);
    });

    test("destroy ends both ends", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      acceptor.call((connection) => connection.destroy());
      await world.until(() => dialer.closed && acceptor.closed);
      acceptor.connection!.destroy();
      expect(dialer.events.filter((event) => event.startsWith("close"))).toHaveLength(1);
      expect(acceptor.events.filter((event) => event.startsWith("close"))).toHaveLength(1);
    });

    test("after close nothing more is delivered to the side that closed", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      acceptor.onFrame = () => acceptor.connection!.close("one was enough");
      for (let i = 0; i < 10; i++) dialer.connection!.send(new Uint8Array(1));
      await world.until(() => dialer.closed && acceptor.closed);
      expect(acceptor.frames).toHaveLength(1);
    });

    test("a dial to where nobody listens ends, and never opens", async () => {
      await listen();
      const { address } = listener!;
      await stop(listener!);
      listener = null;
      const side = new Side();
      side.connection = world.client.dial(address, "peer", side.handlers);
      await world.until(() => side.closed);
      expect(side.events).toHaveLength(1);
    });

    test("a dial to a channel that is not offered ends, and never opens", async () => {
      await listen(["client"]);
      const side = dial("peer");
      await world.until(() => side.closed);
      expect(side.events).toHaveLength(1);
      expect(accepted).toHaveLength(0);
    });

    test("a dial can be taken back before it opened", async () => {
      await listen();
      const side = dial();
      side.call((connection) => connection.destroy());
      await world.until(() => side.closed);
      expect(side.events).toHaveLength(1);
    });

    test("an address that is taken is an error", async () => {
      await listen();
      const second = await tryListen(listener!.address);
      expect(second).toBeInstanceOf(Error);
    });

    test("closing the listener ends its connections and frees the address", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      const { address } = listener!;
      await stop(listener!);
      await world.until(() => dialer.closed && acceptor.closed);
      const again = await tryListen(address);
      expect(again).not.toBeInstanceOf(Error);
      listener = again as Listener;
    });

    test("nothing is buffered once everything has gone out", async () => {
      await listen();
      const { dialer, acceptor } = await pair();
      dialer.connection!.send(new Uint8Array(100_000));
      await world.until(() => acceptor.frames.length === 1);
      await world.until(() => dialer.connection!.bufferedBytes() === 0);
      expect(acceptor.connection!.bufferedBytes()).toBe(0);
    });
  });
}
