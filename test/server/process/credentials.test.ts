/** What a server must have before others reach it, and files that change while it runs. */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import {
  checkExposure,
  clientTlsFlags,
  peerTlsFlags,
} from "../../../src/server/process/credential-flags.ts";
import { SecretFile } from "../../../src/server/process/credentials.ts";
import { TlsFiles } from "../../../src/server/process/tls-files.ts";
import { FLAG_DEFAULTS, readServerOptions } from "../../../src/server/process/options.ts";
import { credentials } from "../../../src/server/process/read-credentials.ts";
import type { LogFields, Logger } from "../../../src/machine/ports/logger.ts";
import { until } from "../../conformance/wait.ts";
import { Certificates, hasOpenssl } from "../../machine/certificates.ts";

const directory = mkdtempSync(join(tmpdir(), "omnikv-credentials-"));
afterAll(() => rmSync(directory, { recursive: true }));

const A = "0123456789abcdef0123456789abcdea";
const B = "fedcba9876543210fedcba9876543211";

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}

function recorder(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const logger = {
    ...{ debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    enabled: () => true,
  };
  return { logger, lines };
}

const TLS = clientTlsFlags({ certFile: "c", keyFile: "k" });
const MUTUAL = clientTlsFlags({
  ...{ certFile: "c", keyFile: "k", trustedCaFile: "ca", clientCertAuth: true },
});
const PEER_MUTUAL = peerTlsFlags({
  ...{ peerCertFile: "c", peerKeyFile: "k", peerTrustedCaFile: "ca", peerClientCertAuth: true },
});
const SECRETS = { hasSecret: true, hasPeerSecret: true };
const NOTHING = {
  ...{ hasSecret: false, hasPeerSecret: false, clientTls: null, peerTls: null },
  allowPlainText: false,
};

describe("a server that others reach", () => {
  test.each([
    ["nothing", {}, /without a secret anybody there could read and write.*--client-cert-auth/],
    [
      "a secret of clients only",
      { hasSecret: true },
      /must not thereby be a node.*Up to version 0\.1/,
    ],
    [
      "secrets and no TLS",
      SECRETS,
      /clients and nodes would talk in plain text.*--allow-plain-text/,
    ],
    ["TLS for clients only", { ...SECRETS, clientTls: TLS }, /and nodes would talk in plain text/],
    ["TLS for nodes only", { ...SECRETS, peerTls: PEER_MUTUAL }, /and clients would talk in plain/],
    [
      "TLS that nobody proves anything in",
      { clientTls: TLS, peerTls: PEER_MUTUAL },
      /without a sec/,
    ],
  ])("has more than %s", (_, given, said) => {
    const exposure = { ...NOTHING, ...given };
    for (const host of ["0.0.0.0", "10.0.0.1", "node1.lan", "::"]) {
      expect(() => checkExposure({ ...exposure, host })).toThrow(said);
    }
    for (const host of ["127.0.0.1", "localhost", "::1", "127.9.9.9"]) {
      expect(() => checkExposure({ ...exposure, host })).not.toThrow();
    }
  });

  test.each([
    ["secrets, and the word that plain text will do", { ...SECRETS, allowPlainText: true }],
    ["secrets and TLS", { ...SECRETS, clientTls: TLS, peerTls: PEER_MUTUAL }],
    ["certificates of all", { clientTls: MUTUAL, peerTls: PEER_MUTUAL }],
  ])("has %s", (_, given) => {
    expect(() => checkExposure({ ...NOTHING, ...given, host: "10.0.0.1" })).not.toThrow();
  });
});

test.each([
  [{ certFile: "c" }, "--cert-file: needs --key-file too"],
  [{ peerKeyFile: "k" }, "--peer-key-file: needs --peer-cert-file too"],
  [{ clientCertAuth: true }, "--client-cert-auth: is about TLS, which needs --cert-file"],
  [{ certFile: "c", keyFile: "k", clientCertAuth: true }, "--client-cert-auth: needs --trusted-ca"],
  [{ certFile: "c", keyFile: "k", trustedCaFile: "ca" }, "--trusted-ca-file: says whose certif"],
  [{ peerTrustedCaFile: "ca" }, "--peer-trusted-ca-file: is about TLS"],
  [{ tlsMinVersion: "1.1" }, '--tls-min-version: expected 1.3 or 1.2, got "1.1"'],
] as const)("flags that do not go together are refused: %o", (flags, said) => {
  expect(() => credentials(flags, "127.0.0.1", "127.0.0.1", false)).toThrow(said);
});

describe("secrets", () => {
  test("of clients are those of nodes on loopback only, with a warning", () => {
    const secretFile = file("s1", A);
    const shared = credentials({ secretFile }, "127.0.0.1", "127.0.0.1", false);
    expect([shared.secret, shared.peerSecret].map((each) => (each as () => unknown)())).toEqual([
      [A],
      [A],
    ]);
    expect(shared.warnings[0]).toMatch(/whoever may write keys may pass for a node/);
    const own = credentials(
      { secretFile, peerSecretFile: file("p1", B) },
      ...(["127.0.0.1", "127.0.0.1", false] as const),
    );
    expect((own.peerSecret as () => unknown)()).toEqual([B]);
    expect(own.warnings).toEqual([]);
  });

  test("of nodes are none of clients", () => {
    const given = { secretFile: file("s2", `${B}\n${A}`), peerSecretFile: file("p2", A) };
    expect(() => credentials(given, "127.0.0.1", "127.0.0.1", false)).toThrow(
      /^--peer-secret-file: holds a secret of --secret-file too/,
    );
  });

  test("change without a restart; what cannot be used changes nothing, and is said once", async () => {
    const path = file("s3", A);
    const secret = new SecretFile(path, "--secret-file");
    const { logger, lines } = recorder();
    secret.watch(logger, 10);
    const now = secret.secrets;
    file("s3", `${A}\n${B}\n`);
    await until(() => now().length === 2);
    expect(lines.at(-1)).toMatch(/^info the secrets have changed.*"accepted":2/);
    file("s3", "hunter2");
    await until(() => lines.some((line) => line.startsWith("error")));
    await new Promise((wake) => setTimeout(wake, 100));
    expect(lines.filter((line) => line.startsWith("error"))).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/those from before stay.*has room for/);
    rmSync(path);
    await until(() => lines.length === 3);
    expect(lines.at(-1)).toMatch(/those from before stay.*cannot read/);
    expect(now()).toEqual([A, B]);
    file("s3", B);
    await until(() => now().length === 1);
    expect(lines.join("")).not.toMatch(new RegExp(`${A}|${B}|hunter2`));
    secret.stop();
  });
});

test("a pipe in the place of a secret stops nothing: the secrets from before stay", async () => {
  const path = file("s4", A);
  const secret = new SecretFile(path, "--secret-file");
  const { logger, lines } = recorder();
  secret.watch(logger, 10);
  rmSync(path);
  execFileSync("mkfifo", ["-m", "600", path]);
  await until(() => lines.some((line) => line.includes("no regular file")));
  expect(lines.at(-1)).toMatch(/^error the new secrets cannot be used: those from before stay/);
  expect(secret.secrets()).toEqual([A]);
  secret.stop();
});

describe.skipIf(!hasOpenssl)("certificates (need openssl)", () => {
  const certificates = new Certificates();
  const flagsOf = ({ cert, key }: { cert: string; key: string }) =>
    clientTlsFlags({ certFile: cert, keyFile: key })!;
  const tls = (files: { cert: string; key: string }, host = "127.0.0.1"): TlsFiles =>
    new TlsFiles(flagsOf(files), host, "TLSv1.3");

  test("that do not go together, have expired, or are none are refused in words", () => {
    const [one, other] = [certificates.files(["127.0.0.1"]), certificates.files(["127.0.0.1"])];
    expect(() => tls({ cert: one.cert, key: other.key })).toThrow(
      /^--cert-file: .* the private key is not the one of the certificate/,
    );
    expect(() => tls(certificates.files(["127.0.0.1"], { days: -1 }))).toThrow(/has expired \(/);
    expect(() => tls({ cert: file("no.crt", "hello"), key: one.key })).toThrow(
      "holds no certificate in PEM form",
    );
    const open = join(directory, "open.key");
    copyFileSync(one.key, open);
    writeFileSync(open, "", { flag: "a" });
    rmSync(open);
    writeFileSync(open, "x", { mode: 0o644 });
    expect(() => tls({ cert: one.cert, key: open })).toThrow(
      /a private key must not be: chmod 600/,
    );
  });

  test("change when both files have, and broken ones change nothing, loudly", async () => {
    const [first, second] = [certificates.files(["127.0.0.1"]), certificates.files(["127.0.0.1"])];
    const own = { cert: join(directory, "own.crt"), key: join(directory, "own.key") };
    const put = ({ cert, key }: typeof own): void => {
      copyFileSync(cert, own.cert);
      copyFileSync(key, own.key);
    };
    put(first);
    const side = tls(own);
    const { logger, lines } = recorder();
    let told = 0;
    side.onChange(() => (told += 1));
    side.watch(logger, 10);
    const before = side.current();
    put(second);
    await until(() => told === 1);
    expect(side.current()).not.toEqual(before);
    expect(lines).toEqual([expect.stringMatching(/^info the certificates have changed/)]);
    const good = side.current();
    writeFileSync(own.cert, "-----BEGIN CERTIFICATE-----\nbroken");
    await until(() => lines.length === 2);
    expect(lines[1]).toMatch(/^error the new certificates cannot be used: those from before stay/);
    put(certificates.files(["127.0.0.1"], { days: -1 }));
    await until(() => lines.length === 3);
    expect(lines[2]).toMatch(/those from before stay.*has expired/);
    expect([side.current(), told]).toEqual([good, 1]);
    put(first);
    await until(() => told === 2);
    side.stop();
  });

  test("of authorities are whole, each of them, or those from before stay", async () => {
    const own = certificates.files(["127.0.0.1"]);
    const [one, two] = [certificates.ca("ca"), certificates.ca("second")];
    const none = two.replace(/-\n[^]*\n-/, "-\nAAAA\n-");
    const ca = file("ca.crt", `# the first\n${one}\n# the second\n${two.replaceAll("\n", "\r\n")}`);
    const flags = clientTlsFlags({
      ...{ certFile: own.cert, keyFile: own.key, trustedCaFile: ca, clientCertAuth: true },
    })!;
    const side = new TlsFiles(flags, "127.0.0.1", "TLSv1.3");
    const { logger, lines } = recorder();
    side.watch(logger, 10);
    for (const [i, bad] of [
      ...[`${one}${two.slice(0, 300)}`, `${one}${two.slice(0, 9)}`, `${one}${two.slice(0, -9)}`],
      ...[`${one}${none}`, `${two.slice(0, 300)}\n${one}`],
    ].entries()) {
      file("ca.crt", bad);
      await until(() => lines.length > i);
      expect(lines[i]).toMatch(/those from before stay.*the file of the authorities is damaged/);
      expect(side.current().ca).toContain("# the second");
      expect(() => new TlsFiles(flags, "127.0.0.1", "TLSv1.3")).toThrow("is damaged");
    }
    file("ca.crt", readFileSync(own.cert, "utf8"));
    await until(() => !side.current().ca!.includes("second"));
    side.stop();
  });

  /** Files that are changed in place, as an operator does. */
  const placed = (name: string) => {
    const paths = {
      ...{ cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) },
      ca: join(directory, `${name}-ca.crt`),
    };
    const put = (own: { cert: string; key: string } | null, ca: string | null): void => {
      if (own !== null) {
        file(`${name}.crt`, readFileSync(own.cert, "utf8"));
        file(`${name}.key`, readFileSync(own.key, "utf8"));
      }
      if (ca !== null) file(`${name}-ca.crt`, ca);
    };
    return { paths, put };
  };
  const ofPeers = ({ cert, key, ca }: { cert: string; key: string; ca: string }): TlsFiles => {
    const flags = peerTlsFlags({ peerCertFile: cert, peerKeyFile: key, peerTrustedCaFile: ca })!;
    return new TlsFiles(flags, "127.0.0.1", "TLSv1.3");
  };

  test.each([
    ["of another authority", { authority: "foreign" }, ["127.0.0.1"], /is of no authority in/],
    ["for clients", {}, [], /was not made for servers \(its extended key usage lacks serverAuth\)/],
    ["for another host", {}, ["10.0.0.9"], /is not for 127\.0\.0\.1, .* but for IP Address:10/],
  ])("%s are not taken up in the place of good ones", async (what, options, hosts, said) => {
    const { paths, put } = placed(what.replaceAll(" ", "-"));
    put(certificates.files(["127.0.0.1"]), certificates.ca());
    const side = ofPeers(paths);
    const { logger, lines } = recorder();
    side.watch(logger, 10);
    const good = side.current();
    put(certificates.files(hosts, options), null);
    await until(() => lines.length > 0);
    expect(lines[0]).toMatch(/^error the new certificates cannot be used: those from before stay/);
    expect(lines[0]).toMatch(said);
    expect(side.current()).toEqual(good);
    put(certificates.files(["127.0.0.1"]), null);
    await until(() => lines.length > 1);
    expect(lines[1]).toMatch(/^info the certificates have changed/);
    side.stop();
  });

  test("made for another purpose are refused at the start, too", () => {
    const certificate = join(directory, "purpose.crt");
    const key = join(directory, "purpose.key");
    const make = (purpose: string): void => {
      const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      const to = ["-keyout", key, "-out", certificate, "-days", "3", "-subj", "/CN=127.0.0.1"];
      const how = ["-addext", `extendedKeyUsage=${purpose}`];
      execFileSync("openssl", ["req", ...kind, ...to, ...how], { stdio: "ignore" });
    };
    const read = (peerClientCertAuth: boolean): TlsFiles => {
      const own = { peerCertFile: certificate, peerKeyFile: key, peerTrustedCaFile: certificate };
      return new TlsFiles(
        peerTlsFlags(peerClientCertAuth ? { ...own, peerClientCertAuth } : own)!,
        "127.0.0.1",
        "TLSv1.3",
      );
    };
    make("clientAuth");
    expect(() => read(false)).toThrow(/was not made for servers/);
    make("serverAuth");
    expect(read(false).current().cert).toContain("BEGIN CERTIFICATE");
    expect(() => read(true)).toThrow(
      /--peer-cert-file: .*purpose\.crt was not made for nodes that dial others \(its extended key usage lacks clientAuth\): everybody would refuse it/,
    );
    make("serverAuth,clientAuth");
    read(true);
  });

  test("of another authority are taken up with it, and a peer's authority not without them", async () => {
    const { paths, put } = placed("moved");
    put(certificates.files(["127.0.0.1"]), certificates.ca());
    const side = ofPeers(paths);
    const { logger, lines } = recorder();
    side.watch(logger, 10);
    put(null, certificates.ca("foreign"));
    await until(() => lines.length === 1);
    expect(lines[0]).toMatch(/^error the new certificates cannot be used.*is of no authority in/);
    put(certificates.files(["127.0.0.1"], { authority: "foreign" }), null);
    await until(() => lines.length === 2);
    expect(lines[1]).toMatch(/^info the certificates have changed/);
    side.stop();
  });

  test("of clients are of whom they are: their authority changes without the server's own certificate", async () => {
    const { paths, put } = placed("clients");
    put(certificates.files(["127.0.0.1"]), certificates.ca());
    const { cert, key, ca } = paths;
    const flags = clientTlsFlags({
      ...{ certFile: cert, keyFile: key, trustedCaFile: ca, clientCertAuth: true },
    })!;
    const side = new TlsFiles(flags, "127.0.0.1", "TLSv1.3");
    const { logger, lines } = recorder();
    side.watch(logger, 10);
    put(null, certificates.ca("foreign"));
    await until(() => lines.length === 1);
    // From now on nothing says whose the server's own has to be.
    put(certificates.files(["127.0.0.1"], { authority: "public" }), null);
    await until(() => lines.length === 2);
    expect(lines).toEqual(
      Array(2).fill(expect.stringMatching(/^info the certificates have changed/)),
    );
    side.stop();
  });

  test("of a foreign authority at the start are warned of where peers would refuse them, and may be replaced", async () => {
    const { paths, put } = placed("foreign");
    put(certificates.files(["127.0.0.1"], { authority: "foreign" }), certificates.ca());
    const side = ofPeers(paths);
    const { logger, lines } = recorder();
    side.watch(logger, 10);
    expect(lines).toEqual([
      expect.stringMatching(/^warn a certificate for peers is of no authority that this node tru/),
    ]);
    put(certificates.files(["127.0.0.1"]), null);
    await until(() => lines.length === 2);
    expect(lines[1]).toMatch(/^info the certificates have changed/);
    side.stop();
  });

  test("are compared with the host of the list of nodes, not with the address to listen at", () => {
    const { cert, key } = certificates.files(["10.0.0.7"]);
    const secrets = { secretFile: file("s7", A), peerSecretFile: file("p7", B) };
    const flags = {
      ...{
        ...FLAG_DEFAULTS,
        ...secrets,
        node: "1",
        host: "0.0.0.0",
        peers: "1=10.0.0.7:4101:4201",
      },
      ...{ certFile: cert, keyFile: key, peerCertFile: cert, peerKeyFile: key },
    };
    const { logger, lines } = recorder();
    for (const each of readServerOptions(flags, "1.0.0").credentials) {
      each.watch(logger);
      each.stop();
    }
    expect(lines).toEqual([]);
  });

  test("are said to end soon, and to have ended: at once, and then once a day", () => {
    const { paths, put } = placed("ends");
    put(certificates.files(["127.0.0.1"], { days: 15 }), certificates.ca());
    vi.useFakeTimers({ toFake: ["Date", "setInterval", "clearInterval"] });
    try {
      const side = ofPeers(paths);
      const { logger, lines } = recorder();
      side.watch(logger, 1e9);
      expect(lines).toEqual([]);
      const [own, authority] = side.ends();
      expect(own).toMatchObject({ port: "peers", which: "own", file: paths.cert });
      expect(authority).toMatchObject({ port: "peers", which: "authority", file: paths.ca });
      const days = (ms: number): number => Math.round((ms - Date.now()) / 86_400_000);
      expect([days(own!.endsMs), days(authority!.endsMs)]).toEqual([15, 30]);
      vi.advanceTimersByTime(14.5 * 86_400_000);
      expect(lines.filter((line) => line.startsWith("warn"))).toHaveLength(lines.length);
      expect(lines).toHaveLength(14);
      vi.advanceTimersByTime(0.5 * 86_400_000 + 120_000);
      expect(lines.slice(14)).toEqual([
        expect.stringMatching(/^error a certificate has ended.*"certificate":"own"/),
      ]);
      vi.advanceTimersByTime(86_400_000 + 120_000);
      // The authority ends soon by now. It is older by as long as the tests before this one took: so which comes first is open.
      const said = lines.slice(15);
      expect(said).toHaveLength(2);
      for (const line of [
        /^error a certificate has ended.*"certificate":"own"/,
        /^warn a certificate ends soon.*"certificate":"authority"/,
      ]) {
        expect(said).toContainEqual(expect.stringMatching(line));
      }
      side.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  test("that end soon, or do not name the host, are warned of", () => {
    const side = tls(certificates.files(["10.0.0.9", "node9.lan"], { days: 3 }), "10.0.0.8");
    const { logger, lines } = recorder();
    side.watch(logger);
    side.stop();
    expect(lines).toEqual([
      expect.stringMatching(/^warn a certificate ends soon.*"days":2/),
      expect.stringMatching(/^warn a certificate does not name this node's host.*10\.0\.0\.9/),
    ]);
  });
});

test.each(["clients", "nodes"])(
  "a new secret of %s that the others have too is not taken up, as at the start",
  async (whose) => {
    const ofClients = new SecretFile(file("apart-clients", `${A}\n`), "--secret-file");
    const ofNodes = new SecretFile(file("apart-nodes", `${B}\n`), "--peer-secret-file");
    ofNodes.keepApartFrom(ofClients);
    const { logger, lines } = recorder();
    const changed = whose === "nodes" ? ofNodes : ofClients;
    const [before, wrong] = whose === "nodes" ? [B, `${A}\n${B}\n`] : [A, `${A}\n${B}\n`];
    changed.watch(logger, 10);
    try {
      file(`apart-${whose}`, wrong);
      await until(() => lines.length > 0);
    } finally {
      changed.stop();
    }
    expect(lines.join()).toMatch(/^error the new secrets cannot be used.*would be a node/);
    expect(changed.secrets()).toEqual([before]);
  },
);
