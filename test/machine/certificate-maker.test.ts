import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { TLSSocket, type PeerCertificate } from "node:tls";
import { describe, expect, test } from "vitest";
import { makeAuthority } from "../../src/machine/host/certificate-maker.ts";
import { wrongName } from "../../src/machine/tls/tls-side.ts";
import { securityOf } from "../../src/machine/tls/wire-security.ts";
import { Certificates, hasOpenssl } from "./certificates.ts";

describe.skipIf(!hasOpenssl)("certificates for a lab (need openssl)", () => {
  const certificates = new Certificates();

  test("are of the authority, for what they are made for, and for as long", () => {
    const ca = new X509Certificate(certificates.ca());
    const node = certificates.files(["10.0.0.1", "node1.lan", "::1"], { days: 90 });
    const made = new X509Certificate(readFileSync(node.cert));
    expect(made.verify(ca.publicKey)).toBe(true);
    expect(ca.ca).toBe(true);
    expect(made.ca).toBe(false);
    expect(made.checkIP("10.0.0.1")).toBe("10.0.0.1");
    expect(made.checkIP("::1")).toBe("::1");
    expect(made.checkHost("node1.lan")).toBe("node1.lan");
    const days = (Date.parse(made.validTo) - Date.parse(made.validFrom)) / 86_400_000;
    expect(days).toBe(90);
    expect(statSync(node.key).mode & 0o777).toBe(0o600);
    const client = new X509Certificate(readFileSync(certificates.files([]).cert));
    expect(client.subjectAltName).toBeUndefined();
    expect(client.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  });

  test("never take the place of what is there", () => {
    const files = certificates.authority();
    const before = [files.cert, files.key].map((path) => readFileSync(path, "utf8"));
    expect(() => makeAuthority(files, 1)).toThrow(/is there already, and is not overwritten/);
    const key = join(certificates.directory, "new.key");
    expect(() => makeAuthority({ ...files, key }, 1)).toThrow(/is there already/);
    expect(() => statSync(key)).toThrow("ENOENT");
    expect([files.cert, files.key].map((path) => readFileSync(path, "utf8"))).toEqual(before);
  });
});

test("without openssl it is said what to do, and no key is left behind", () => {
  const { PATH = "" } = process.env;
  const [cert, key] = ["x.crt", "x.key"].map((name) => join(import.meta.dirname, name));
  process.env["PATH"] = "/nowhere";
  try {
    expect(() => makeAuthority({ cert: cert!, key: key! }, 1)).toThrow(
      /openssl, which is not here: install it/,
    );
  } finally {
    process.env["PATH"] = PATH;
  }
  expect(() => statSync(key!)).toThrow("ENOENT");
});

test("the common name counts for nothing, also where there is a name that is no host", () => {
  const certificate = (subjectaltname?: string): PeerCertificate =>
    ({ subject: { CN: "node1.lan" }, subjectaltname }) as PeerCertificate;
  expect(wrongName("node1.lan", certificate())).toMatch(/no host at all/);
  expect(wrongName("node1.lan", certificate("email:a@b.c"))).toMatch(/not for node1\.lan/);
  expect(wrongName("node1.lan", certificate("URI:spiffe://node1.lan"))).toMatch(/not for node1/);
  expect(wrongName("node1.lan", certificate("DNS:node1.lan"))).toBeNull();
});

test("a connection that has ended is good for nothing, and ends nothing else", () => {
  const socket = new TLSSocket(new Socket());
  socket.on("error", () => {});
  socket.destroy();
  const security = securityOf(socket, true);
  expect(security?.binding).toHaveLength(32);
  expect(security?.wrongHost("127.0.0.1")).toBe("the connection has ended");
  expect(securityOf(new Socket(), true)).toBeNull();
});
