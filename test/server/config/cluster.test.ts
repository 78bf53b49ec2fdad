/** Every way to say where the nodes are, and what is said when it is said wrongly. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  defaultCluster,
  loadClusterFile,
  parseNodeId,
  namesIds,
  parseAddresses,
  parseNodesFlag,
  parsePeersFlag,
  parsePort,
} from "../../../src/server/config/cluster.ts";
import { KvError } from "../../../src/base/errors.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "omnikv-config-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileWith(content: unknown): string {
  const path = join(directory, "cluster.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

describe("the default cluster", () => {
  test("is three nodes on this machine", () => {
    expect(defaultCluster().nodes).toEqual([
      { id: 1, host: "127.0.0.1", port: 4101, peerPort: 4201 },
      { id: 2, host: "127.0.0.1", port: 4102, peerPort: 4202 },
      { id: 3, host: "127.0.0.1", port: 4103, peerPort: 4203 },
    ]);
  });
});

describe("--peers", () => {
  test("names id, host, client port and peer port", () => {
    expect(parsePeersFlag("2=kv-2.example:5000:5001, 1=127.0.0.1:4101:4201")).toEqual([
      { id: 1, host: "127.0.0.1", port: 4101, peerPort: 4201 },
      { id: 2, host: "kv-2.example", port: 5000, peerPort: 5001 },
    ]);
  });

  test("has default ports, and brackets for IPv6", () => {
    expect(parsePeersFlag("3=[::1],4=db:9000")).toEqual([
      { id: 3, host: "::1", port: 4103, peerPort: 4203 },
      { id: 4, host: "db", port: 9000, peerPort: 4204 },
    ]);
  });

  test.each([
    ["", '--peers: expected ID=HOST[:PORT[:PEERPORT]], like 1=127.0.0.1:4101:4201, got ""'],
    ["1:127.0.0.1", 'got "1:127.0.0.1"'],
    ["0=a", '--peers: expected a node id from 1 to 99, got "0"'],
    ["1=a:70000", '--peers: expected a port from 1 to 65535, got "70000"'],
    ["1=a b", 'got "a b"'],
    ["1=a,1=b", '--peers: expected every node id once, got "node 1 twice"'],
    ["1=a:1:2,2=a:2:3", 'expected every address once, got "a:2 (nodes 1 and 2 use it)"'],
    ["1=a:7:7", "node 1 uses it twice"],
  ])("%j is refused with flag, expectation and value", (text, message) => {
    expect(() => parsePeersFlag(text)).toThrow(KvError);
    expect(() => parsePeersFlag(text)).toThrow(message);
  });
});

describe("--nodes", () => {
  test("takes what --peers takes, and leaves the ports of peers alone", () => {
    const at = (id: number, port: number) => ({ id, host: "127.0.0.1", port, peerPort: 4200 + id });
    expect(parseNodesFlag("2=127.0.0.1:4202,1=127.0.0.1:4201")).toEqual([at(1, 4201), at(2, 4202)]);
    expect(() => parseNodesFlag("1=a:7,2=a:7")).toThrow(
      '--nodes: expected every address once, got "a:7 (nodes 1 and 2 use it)"',
    );
  });

  test("may be addresses alone", () => {
    expect(namesIds("10.0.0.1:4101,2=10.0.0.2")).toBe(true);
    expect(namesIds("10.0.0.1:4101,10.0.0.2:4101")).toBe(false);
    expect(parseAddresses("10.0.0.1:4101, https://[::1]:5000")).toEqual([
      { host: "10.0.0.1", port: 4101 },
      { host: "::1", port: 5000 },
    ]);
  });

  test.each([
    ["", '--nodes: expected HOST:PORT, like 127.0.0.1:4101, or ID=HOST:PORT, got ""'],
    ["db", 'got "db"'],
    ["1:2:3", 'got "1:2:3"'],
    ["a b:1", 'got "a b:1"'],
    ["db:70000", '--nodes: expected a port from 1 to 65535, got "70000"'],
  ])("%j is refused", (text, message) => {
    expect(() => parseAddresses(text)).toThrow(KvError);
    expect(() => parseAddresses(text)).toThrow(message);
  });
});

describe("a cluster file", () => {
  test("needs only ids", () => {
    const path = fileWith({ nodes: [{ id: 2 }, { id: 1 }] });
    expect(loadClusterFile(path)).toEqual({
      clusterId: "omnikv-local",
      nodes: defaultCluster(2).nodes,
    });
  });

  test("names everything, the secret's file relative to itself", () => {
    const node = { id: 1, host: "h", port: 1, peerPort: 2 };
    const path = fileWith({
      ...{ clusterId: "c", nodes: [node], secretFile: "s.txt", peerSecretFile: "p.txt" },
      tls: { cacert: "ca.crt", key: "/k.key" },
    });
    expect(loadClusterFile(path)).toEqual({
      clusterId: "c",
      nodes: [node],
      secretFile: join(directory, "s.txt"),
      peerSecretFile: join(directory, "p.txt"),
      tls: { cacert: join(directory, "ca.crt"), key: "/k.key" },
    });
  });

  test.each([
    ["{", "is not JSON"],
    ['{"nodes": [{"id": 1}], "nodes": [{"id": 2}]}', '"nodes" stands there twice'],
    [{ nodes: [{ id: 1 }], secretFile: ["s3cr3t"] }, "got a list"],
    [{ nodes: [] }, "nodes: expected at least one, got []"],
    [{ nodes: [{ id: "1" }] }, 'nodes[0].id: expected a number, got "1"'],
    [{ nodes: [{ id: 1.5 }] }, "nodes[0].id: expected a whole number, got 1.5"],
    [{ nodes: [{ id: 100 }] }, "nodes[0].id: expected at most 99, got 100"],
    [{ nodes: [{ id: 1, port: 0 }] }, "nodes[0].port: expected 1 or more, got 0"],
    [
      { nodes: [{ id: 1, host: "a b" }] },
      'nodes[0].host: expected a host name or address, got "a b"',
    ],
    [
      { nodes: [{ id: 1, host: "10.0.0.256" }] },
      'nodes[0].host: expected a host name or address, got "10.0.0.256"',
    ],
    [
      { nodes: [{ id: 1, prot: 5 }] },
      'nodes[0]: there is no "prot" here, there are id, host, port and peerPort',
    ],
    [
      { nodes: [{ id: 1 }], cluster: "x" },
      'there is no "cluster" here, there are clusterId, nodes,',
    ],
    [{ nodse: [] }, 'there is no "nodse" here, there are clusterId, nodes,'],
    [{}, "nodes: expected a list, got nothing"],
    [[1], "expected an object, got a list"],
    [
      { nodes: [{ id: 1 }], tls: { ca: "x" } },
      'tls: there is no "ca" here, there are cacert, cert and key',
    ],
    [{ nodes: [{ id: 1 }, { id: 1 }] }, "every node id once"],
    [{ nodes: [{ id: 1 }], clusterId: "a b" }, 'got "a b"'],
  ])("%j is refused with the field", (content, message) => {
    const path = fileWith(content);
    expect(() => loadClusterFile(path)).toThrow(`--cluster: ${path}`);
    expect(() => loadClusterFile(path)).toThrow(message);
  });

  test("that is missing is named", () => {
    expect(() => loadClusterFile("/nowhere/c.json")).toThrow(
      "--cluster: cannot read /nowhere/c.json",
    );
  });
});

describe("single values", () => {
  test("numbers are whole and in range", () => {
    expect(parseNodeId("3", "--node")).toBe(3);
    expect(() => parseNodeId("3.5", "--node")).toThrow(
      '--node: expected a node id from 1 to 99, got "3.5"',
    );
    expect(() => parsePort("-1", "--port")).toThrow(
      '--port: expected a port from 1 to 65535, got "-1"',
    );
  });
});

test("a byte order mark in front of a cluster file is passed over, and text that is not UTF-8 is refused", () => {
  expect(loadClusterFile(fileWith('\uFEFF{ "nodes": [{ "id": 7 }] }')).nodes[0]?.id).toBe(7);
  const path = join(directory, "latin-1.json");
  writeFileSync(path, Buffer.from('{ "nodes": [{ "id": 1 }], "secretFile": "\xe9" }', "latin1"));
  expect(() => loadClusterFile(path)).toThrow(`${path} is not UTF-8`);
});
