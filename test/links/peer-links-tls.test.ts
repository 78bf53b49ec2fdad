/** Nodes that talk over TLS: who passes for one, and what somebody in between can do. */
import { connect as connectPlain, createServer, type AddressInfo, type Server } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeClock } from "../../src/machine/runtime/node-clock.ts";
import { fixedTls, type TlsMaterial, type TlsSide } from "../../src/machine/tls/tls-side.ts";
import { WsNetwork } from "../../src/machine/network/ws-network.ts";
import type { Address, Listener } from "../../src/machine/ports/network.ts";
import { freePorts } from "../../src/measure/subjects/places.ts";
import { until } from "../conformance/wait.ts";
import { Certificates, hasOpenssl } from "../machine/certificates.ts";
import { LinkNode, listen, type LinkNodeOptions } from "./harness.ts";

const HOST = "127.0.0.1";

describe.skipIf(!hasOpenssl)("links over TLS (needs openssl)", () => {
  const certificates = new Certificates();
  const addresses = new Map<number, Address>();
  const running: { node: LinkNode; listener: Listener }[] = [];
  const between: Server[] = [];

  beforeEach(async () => {
    for (const [i, port] of (await freePorts(2)).entries()) {
      addresses.set(i + 1, { host: HOST, port });
    }
  });
  afterEach(async () => {
    for (const { node, listener } of running.splice(0)) {
      node.links.stop();
      await new Promise<void>((resolve) => listener.close(resolve));
    }
    for (const server of between.splice(0)) server.close();
  });

  const mutual = (material: TlsMaterial): TlsSide => ({
    ...fixedTls(material),
    needsCertificate: true,
  });
  const ofNode = (): TlsSide => mutual(certificates.material([HOST]));

  /** @param elsewhere where this node believes others to be */
  async function start(
    id: number,
    tls: TlsSide | null,
    options: Partial<LinkNodeOptions> = {},
    elsewhere = new Map<number, Address>(),
  ): Promise<LinkNode> {
    const network = new WsNetwork({ peerTls: tls });
    const peers = new Map([...addresses, ...elsewhere]);
    const node = new LinkNode({ id, peers, network, clock: nodeClock, secret: "s", ...options });
    running.push({ node, listener: await listen(network, addresses.get(id)!, node.accept) });
    node.links.start();
    return node;
  }

  const connected = (one: LinkNode, two: LinkNode): Promise<void> =>
    until(() => one.links.isConnected(2) && two.links.isConnected(1));

  /** Node 2 dials: it has the higher id. */
  async function refused(one: LinkNode, two: LinkNode): Promise<string> {
    await until(() => two.status(1).reason !== "not connected yet");
    await new Promise((wake) => setTimeout(wake, 150));
    expect([one.links.isConnected(2), two.links.isConnected(1)]).toEqual([false, false]);
    return two.status(1).reason ?? "";
  }

  test("nodes with certificates of their hosts get together and talk", async () => {
    const [one, two] = [await start(1, ofNode()), await start(2, ofNode())];
    await connected(one, two);
    one.send(2, 1, 2, 3);
    two.send(1, 4);
    await until(() => two.received(1).length === 3 && one.received(2).length === 1);
  });

  test("certificates are enough, without a secret", async () => {
    const none = { secret: null };
    await connected(await start(1, ofNode(), none), await start(2, ofNode(), none));
  });

  test("a client's certificate makes no node, although it is of the same authority", async () => {
    const one = await start(1, ofNode());
    const two = await start(2, mutual(certificates.material([])));
    expect(await refused(one, two)).toMatch(
      /^who says to be node 2 has no certificate of it: the certificate is not for 127\.0\.0\.1, but for no host at all: make one .*--peer-cert-file/,
    );
    expect(one.logged(/peer connection refused .*no certificate of it/)).toBe(1);
    expect(two.logged(/n1 refuses this node .*no certificate of it/)).toBe(1);
  });

  test("neither does the certificate of another host", async () => {
    const one = await start(1, ofNode());
    const two = await start(2, mutual(certificates.material(["10.0.0.9"])));
    expect(await refused(one, two)).toMatch(/not for 127\.0\.0\.1, but for IP Address:10\.0\.0\.9/);
  });

  test("a node at the wrong address is not believed by who dials it", async () => {
    const one = await start(1, mutual(certificates.material(["10.0.0.9"])));
    const two = await start(2, ofNode());
    expect(await refused(one, two)).toMatch(/^TLS: the certificate is not for 127\.0\.0\.1/);
    expect(two.logged(/peer cannot be reached over TLS/)).toBe(1);
  });

  test("a node of another authority is refused, and is told", async () => {
    const one = await start(1, ofNode());
    const foreign = certificates.material([HOST], { authority: "another", trusts: "ca" });
    const two = await start(2, mutual(foreign));
    expect(await refused(one, two)).toMatch(/^TLS: .*not from an authority that is trusted/);
  });

  test("TLS on one side only is said on the side that dials", async () => {
    const one = await start(1, null);
    expect(await refused(one, await start(2, ofNode()))).toMatch(/^TLS: .*speaks plain text/);
  });

  test("plain text to a node with TLS is said too", async () => {
    const one = await start(1, ofNode());
    expect(await refused(one, await start(2, null))).toMatch(/^TLS: this port speaks TLS/);
  });

  test("what goes by in plain text is seen by who is in between; in TLS it is not, and it is passed on all the same", async () => {
    for (const tls of [null, ofNode()]) {
      const seen: Buffer[] = [];
      const port = await listenBetween((near) => {
        const far = connectPlain(addresses.get(1)!.port, HOST);
        pipe(near, far, seen);
      });
      const one = await start(1, tls);
      const two = await start(2, tls, {}, new Map([[1, { host: HOST, port }]]));
      await connected(one, two);
      two.send(1, 7);
      await until(() => one.received(2).length === 1);
      const all = Buffer.concat(seen);
      expect(all.includes("GET /peer")).toBe(tls === null);
      expect(all.includes("OMKV")).toBe(tls === null);
      for (const { node, listener } of running.splice(0)) {
        node.links.stop();
        await new Promise<void>((resolve) => listener.close(resolve));
      }
    }
  });

  /**
   * Has got hold of a node's certificate and key, and not of the secret. It stands between two nodes, speaks TLS with both,
   * hands over what each says, and writes it down.
   */
  async function manInTheMiddle(seen: Buffer[]): Promise<number> {
    const stolen = certificates.material([HOST]);
    const server = createTlsServer({ ...stolen, requestCert: true, rejectUnauthorized: false });
    server.on("secureConnection", (near: TLSSocket) => {
      const far = connectTls({ ...stolen, port: addresses.get(1)!.port, host: HOST });
      pipe(near, far, seen);
    });
    between.push(server);
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    return (server.address() as AddressInfo).port;
  }

  test("somebody in between with a node's certificate cannot carry proofs over", async () => {
    const seen: Buffer[] = [];
    const port = await manInTheMiddle(seen);
    const one = await start(1, ofNode());
    const two = await start(2, ofNode(), {}, new Map([[1, { host: HOST, port }]]));
    expect(await refused(one, two)).toMatch(
      /same secret, or something between them opens the TLS connection/,
    );
    // It did see the handshake, and it did hand it over.
    expect(Buffer.concat(seen).includes("OMKV")).toBe(true);
    expect(one.logged(/something between them opens the TLS connection/)).toBe(1);
  });

  test("without a secret it can: who has a node's certificate is a node", async () => {
    const seen: Buffer[] = [];
    const port = await manInTheMiddle(seen);
    const none = { secret: null };
    const one = await start(1, ofNode(), none);
    const two = await start(2, ofNode(), none, new Map([[1, { host: HOST, port }]]));
    await connected(one, two);
  });

  async function listenBetween(serve: (near: Stream) => void): Promise<number> {
    const server = createServer(serve);
    between.push(server);
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    return (server.address() as AddressInfo).port;
  }
});

type Stream = ReturnType<typeof connectPlain>;

function pipe(near: Stream, far: Stream, seen: Buffer[]): void {
  for (const [from, into] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on("data", (bytes: Buffer) => {
      seen.push(bytes);
      into.write(bytes);
    });
    from.on("close", () => into.destroy());
    from.on("error", () => from.destroy());
  }
}
