/** TLS on real sockets: who gets in, who does not, and what both sides are told. */
import { request as plainRequest } from "node:http";
import { createServer } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { describe, expect, test } from "vitest";
import {
  fixedTls,
  type TlsMaterial,
  type TlsSide,
  type TlsVersion,
} from "../../src/machine/tls/tls-side.ts";
import { WsNetwork } from "../../src/machine/network/ws-network.ts";
import type { Connection } from "../../src/machine/ports/network.ts";
import { until } from "../conformance/wait.ts";
import { Certificates, hasOpenssl } from "./certificates.ts";
import { atEnd, raw, serve } from "./ws-world.ts";

const made = hasOpenssl ? new Certificates() : null;
const certificates = (): Certificates => {
  if (made === null) throw new Error("needs openssl");
  return made;
};

/** Of a server: what it shows may be changed. */
function changing(
  first: TlsMaterial,
  options: { needsCertificate?: boolean; minVersion?: TlsVersion } = {},
) {
  const { needsCertificate = false, minVersion = "TLSv1.3" } = options;
  let current = first;
  const told = new Set<() => void>();
  const side: TlsSide = {
    current: () => current,
    minVersion,
    needsCertificate,
    onChange: (each) => {
      told.add(each);
      return () => void told.delete(each);
    },
  };
  return {
    side,
    change: (material: TlsMaterial) => {
      current = material;
      for (const each of told) each();
    },
  };
}

async function serveTls(
  material = certificates().material(["127.0.0.1", "localhost"]),
  options: { needsCertificate?: boolean; minVersion?: TlsVersion } = {},
) {
  const { side, change } = changing(material, options);
  return { ...(await serve({ clientTls: side, peerTls: side })), change };
}

/** What becomes of a dial: "open", or why it is not. */
async function dial(port: number, tls: TlsSide | null, host = "127.0.0.1") {
  const network = new WsNetwork({ clientTls: tls, peerTls: tls });
  let outcome: string | null = null;
  let closed: string | null = null;
  const frames: Uint8Array[] = [];
  const connection: Connection = network.dial({ host, port }, "client", {
    onOpen: () => {
      connection.admit();
      outcome = "open";
    },
    onFrame: (frame) => frames.push(frame),
    onClose: (reason) => {
      closed = reason;
      outcome ??= reason;
    },
  });
  atEnd(async () => connection.destroy());
  await until(() => outcome !== null);
  return { connection, outcome: outcome ?? "", frames, closed: () => closed };
}

const trusting = (name?: string): TlsSide => fixedTls({ ca: certificates().ca(name) });

describe.skipIf(!hasOpenssl)("TLS (needs openssl)", () => {
  test("carries frames of all sizes both ways, counts what has come, and is TLS 1.3", async () => {
    const server = await serveTls();
    const { connection, outcome, frames } = await dial(server.port, trusting());
    expect(outcome).toBe("open");
    const [there] = server.accepted;
    const sizes = [1, 125, 126, 2000, 70_000, 3_000_000];
    for (const size of sizes) connection.send(new Uint8Array(size).fill(size % 251));
    await until(() => there?.frames.length === sizes.length);
    expect(there?.frames.map(({ length }) => length)).toEqual(sizes);
    expect(there?.connection.unfinishedBytes()).toBe(0);
    for (const size of sizes) there?.connection.send(new Uint8Array(size));
    await until(() => frames.length === sizes.length);
    expect(connection.unfinishedBytes()).toBe(0);
    const binding = connection.security()?.binding;
    expect(binding).toHaveLength(32);
    expect(there?.connection.security()?.binding).toEqual(binding);
    const other = await dial(server.port, trusting());
    expect(other.connection.security()?.binding).not.toEqual(binding);
  });

  test("who is not from the authority that is trusted is refused, and both sides say so", async () => {
    const server = await serveTls();
    const { outcome } = await dial(server.port, trusting("another"));
    expect(outcome).toMatch(
      /^TLS: the other side's certificate is not from an authority .*--cacert/,
    );
    await until(() => server.rejected.length > 0);
    expect(server.rejected[0]).toMatch(/left in the handshake/);
    expect(server.remotes[0]).toMatch(/^127\.0\.0\.1:\d{2,}$/);
  });

  test("names are checked, and only the names for that purpose", async () => {
    const server = await serveTls(certificates().material(["node7.invalid"]));
    const { outcome } = await dial(server.port, trusting());
    expect(outcome).toBe(
      "TLS: the certificate is not for 127.0.0.1, but for DNS:node7.invalid: make one that names the host under which it is reached",
    );
    const byName = await serveTls(certificates().material(["localhost"]));
    expect((await dial(byName.port, trusting(), "localhost")).outcome).toBe("open");
    expect((await dial(byName.port, trusting())).outcome).toMatch(/not for 127\.0\.0\.1/);
  });

  test("a client's certificate makes no server", async () => {
    const server = await serveTls(certificates().material([]));
    expect((await dial(server.port, trusting())).outcome).toMatch(/^TLS: .*was not made for this/);
  });

  test("one that has expired is refused", async () => {
    const server = await serveTls(certificates().material(["127.0.0.1"], { days: -1 }));
    expect((await dial(server.port, trusting())).outcome).toMatch(/^TLS: .*has expired/);
  });

  test("where clients must show a certificate, those without one, and with one of others, are told", async () => {
    const server = await serveTls(undefined, { needsCertificate: true });
    const good = fixedTls(certificates().material([]));
    expect((await dial(server.port, good)).outcome).toBe("open");
    const without = await dial(server.port, trusting());
    expect(without.outcome).toMatch(
      /^TLS: this port wants a certificate, and none was shown: give --cert/,
    );
    const foreign = fixedTls(certificates().material([], { authority: "another", trusts: "ca" }));
    expect((await dial(server.port, foreign)).outcome).toMatch(
      /^TLS: the other side refuses the certificate of this side \(not from an auth.*check --cert and/,
    );
    const late = fixedTls(certificates().material([], { days: -1 }));
    expect((await dial(server.port, late)).outcome).toMatch(
      /^TLS: the other side refuses the certificate of this side \(it has exp/,
    );
    const server2 = fixedTls(certificates().material(["elsewhere.invalid"]));
    expect((await dial(server.port, server2)).outcome).toBe("open");
    expect(server.rejected.map((reason) => reason.slice(0, 24))).toEqual([
      "this port wants a certif",
      "the other side's certifi",
      "the other side's certifi",
    ]);
    // None of those who were refused got as far as a web socket.
    expect(server.accepted).toHaveLength(2);
  });

  test("a certificate is good for the hosts in it, and a client's for none", async () => {
    const server = await serveTls(undefined, { needsCertificate: true });
    await dial(server.port, fixedTls(certificates().material(["10.0.0.7", "node7.lan"])));
    await dial(server.port, fixedTls(certificates().material([])));
    const [node, client] = server.accepted.map(({ connection }) => connection.security());
    expect(node?.wrongHost("10.0.0.7")).toBeNull();
    expect(node?.wrongHost("node7.lan")).toBeNull();
    expect(node?.wrongHost("10.0.0.8")).toMatch(/not for 10\.0\.0\.8, but for/);
    expect(client?.wrongHost("10.0.0.7")).toMatch(/not for 10\.0\.0\.7, but for no host at all/);
    // The common name is anybody's to choose.
    expect(client?.wrongHost("test 2")).toMatch(/no host at all/);
    const open = await serveTls();
    await dial(open.port, trusting());
    expect(open.accepted[0]?.connection.security()?.wrongHost("10.0.0.7")).toBeNull();
  });

  test("plain text to a port with TLS is told so, and so is the server", async () => {
    const server = await serveTls();
    const { outcome } = await dial(server.port, null);
    expect(outcome).toMatch(
      /^TLS: this port speaks TLS, and the connection was in plain text: use https/,
    );
    expect(server.rejected[0]).toMatch(/^this port speaks TLS/);
    const status = await new Promise<number | undefined>((resolve) => {
      plainRequest({ port: server.port, path: "/" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).toBe(426);
  });

  test("TLS to a port in plain text is told so, and so is the server", async () => {
    const server = await serve();
    const { outcome } = await dial(server.port, trusting());
    expect(outcome).toMatch(/^TLS: the other side speaks plain text/);
    await until(() => server.rejected.length > 0);
    expect(server.rejected[0]).toMatch(
      /^the connection was in TLS, and this port speaks plain text/,
    );
  });

  test("TLS 1.2 is refused, and taken where it is asked for", async () => {
    const old = (port: number): Promise<string> =>
      new Promise((resolve) => {
        const socket = tlsConnect({
          ...{ port, host: "127.0.0.1", ca: certificates().ca(), maxVersion: "TLSv1.2" },
        });
        atEnd(async () => void socket.destroy());
        socket.on("secureConnect", () => resolve(String(socket.getProtocol())));
        socket.on("error", (error: Error & { code?: string }) => resolve(String(error.code)));
      });
    const server = await serveTls();
    expect(await old(server.port)).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    await until(() => server.rejected.length > 0);
    expect(server.rejected[0]).toMatch(/^TLS: .*no version of TLS in common/);
    const lenient = await serveTls(undefined, { minVersion: "TLSv1.2" });
    expect(await old(lenient.port)).toBe("TLSv1.2");
    const client = fixedTls({ ca: certificates().ca() }, "TLSv1.2");
    expect((await dial(lenient.port, client)).outcome).toBe("open");
  });

  test("a server that accepts and says nothing is given up", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    atEnd(async () => void silent.close());
    const { port } = silent.address() as { port: number };
    const reasons: string[] = [];
    const handlers = {
      onOpen: () => {},
      onFrame: () => {},
      onClose: (t: string) => void reasons.push(t),
    };
    const network = new WsNetwork({
      clientTls: trusting(),
      peerTls: trusting(),
      dialTimeoutMs: 100,
    });
    for (const channel of ["client", "peer"] as const) {
      network.dial({ host: "127.0.0.1", port }, channel, handlers);
    }
    await until(() => reasons.length === 2);
    expect(reasons).toEqual(Array.from({ length: 2 }, () => "Opening handshake has timed out"));
  });

  test("new certificates are for new connections; those that are there go on", async () => {
    const server = await serveTls();
    const before = await dial(server.port, trusting());
    server.change(certificates().material(["127.0.0.1"], { authority: "another" }));
    expect((await dial(server.port, trusting("another"))).outcome).toBe("open");
    expect((await dial(server.port, trusting())).outcome).toMatch(/not from an authority/);
    before.connection.send(Uint8Array.of(7));
    await until(() => server.accepted[0]?.frames.length === 1);
    expect(before.closed()).toBeNull();
  });

  test("a new authority for clients holds for new connections, and no old session is taken up", async () => {
    const needs = { needsCertificate: true };
    const { side, change } = changing(certificates().material(["127.0.0.1"]), needs);
    const server = await serve({ clientTls: side, peerTls: side });
    const own = certificates().material([]);
    const shake = (
      session?: Buffer,
    ): Promise<{ reused: boolean; text: string; session?: Buffer }> =>
      new Promise((resolve) => {
        let kept: Buffer | undefined;
        let text = "";
        const socket = tlsConnect({
          ...{ ...own, port: server.port, host: "127.0.0.1" },
          ...(session === undefined ? {} : { session }),
        });
        socket.on("session", (each: Buffer) => (kept = each));
        socket.on("data", (each) => (text += each.toString()));
        socket.on("secureConnect", () => {
          const reused = socket.isSessionReused();
          setTimeout(() => {
            resolve({ ...{ reused, text }, ...(kept === undefined ? {} : { session: kept }) });
            socket.destroy();
          }, 100);
        });
        socket.on("error", () => {});
      });
    const first = await shake();
    expect(first.text).toBe("");
    change({ ...certificates().material(["127.0.0.1"]), ca: certificates().ca("another") });
    const second = await shake(first.session);
    expect(second.reused).toBe(false);
    expect(second.text).toMatch(/^HTTP\/1\.1 403/);
  });

  test("strangers of all kinds are gone in time, and the listener can be closed", async () => {
    const { side } = changing(certificates().material(["127.0.0.1"]));
    const server = await serve({ clientTls: side, peerTls: side, strangerTimeoutMs: 500 }, false);
    const silent = raw(server.port);
    const halfway = raw(server.port);
    halfway.socket.write(Buffer.from([0x16, 3, 1, 0, 200]));
    const shaken = tlsConnect({ port: server.port, host: "127.0.0.1", ca: certificates().ca() });
    let shakenClosed = false;
    shaken.on("close", () => (shakenClosed = true));
    shaken.on("error", () => {});
    await until(() => silent.closed() && halfway.closed() && shakenClosed);
    expect(server.rejected.filter((reason) => reason === "proved nothing in time")).toHaveLength(3);
    const last = raw(server.port);
    last.socket.write(Buffer.from([0x16, 3, 1]));
    await until(() => last.socket.bytesWritten === 3);
    await new Promise<void>((resolve) => server.listener.close(resolve));
    await until(() => last.closed());
  });

  test("who is admitted over TLS is no stranger any more", async () => {
    const { side } = changing(certificates().material(["127.0.0.1"]));
    const server = await serve({ clientTls: side, peerTls: side, strangerTimeoutMs: 300 });
    const { closed } = await dial(server.port, trusting());
    await new Promise((wake) => setTimeout(wake, 700));
    expect(closed()).toBeNull();
    expect(server.rejected).toEqual([]);
  });
});
