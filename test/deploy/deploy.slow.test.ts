/** docs/deploy: what machines read there is well-formed and says what the program understands. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { validate } from "dockerfile-utils";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { scheduleOf } from "../../src/bin/backups/backup-schedule.ts";
import { NodeMetrics } from "../../src/server/metrics/node-metrics.ts";
import { makeAuthority, makeCertificate } from "../../src/machine/host/certificate-maker.ts";
import { NODE_FLAGS } from "../../src/server/launch/node-flags.ts";
import { sightWith } from "../server/metrics/fixtures.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "docs/deploy");
const read = (name: string): string => readFileSync(join(FOLDER, name), "utf8");

// Each server's settings are printed by a process.
vi.setConfig({ testTimeout: 240_000 });

let scratch = "";
let secretFile = "";
/** Instead of the files that are named there: of an authority of these tests, for all hosts there. */
let certificates: NodeJS.ProcessEnv = {};
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "omnikv-deploy-"));
  secretFile = join(scratch, "secret.txt");
  writeFileSync(secretFile, "a secret for these tests, and no other use 1", { mode: 0o600 });
  if (!HAS_OPENSSL) return;
  const filesOf = (name: string) => ({
    cert: join(scratch, `${name}.crt`),
    key: join(scratch, `${name}.key`),
  });
  const [authority, files] = [filesOf("ca"), filesOf("node")];
  makeAuthority(authority, 1);
  const pods = [1, 2, 3].map((id) => `omnikv-${id}.omnikv.omnikv.svc.cluster.local`);
  makeCertificate({ files, authority, name: "all", hosts: ["10.0.0.1", ...pods], days: 1 });
  certificates = {
    OMNIKV_CERT_FILE: files.cert,
    OMNIKV_KEY_FILE: files.key,
    OMNIKV_PEER_CERT_FILE: files.cert,
    OMNIKV_PEER_KEY_FILE: files.key,
    OMNIKV_PEER_TRUSTED_CA_FILE: authority.cert,
  };
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const plain = Object.entries(process.env).filter(([name]) => !name.startsWith("OMNIKV_"));
  return spawnSync(program, args, {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...Object.fromEntries(plain), ...env },
  });
}
const has = (command: string): boolean => run("sh", ["-c", command]).status === 0;
const HAS_OPENSSL = has("command -v openssl");

/** What a server would be started with. */
function printConfig(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr } = run(
    process.execPath,
    ["--import", "tsx", "src/bin/omnikv.ts", "server", ...args, "--print-config"],
    env,
  );
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

describe("systemd", () => {
  const unit = read("omnikv.service");

  test.skipIf(!has("command -v systemd-analyze"))(
    "the unit has no fault (skipped without systemd-analyze)",
    () => {
      const file = join(scratch, "omnikv.service");
      writeFileSync(file, unit.replace("/usr/bin/node", process.execPath));
      const { status, stderr } = run("systemd-analyze", ["verify", file]);
      expect([status, stderr]).toEqual([0, ""]);
      writeFileSync(file, unit.replace("Restart=on-failure", "Restart=whenever"));
      expect(run("systemd-analyze", ["verify", file]).stderr).toContain("restart specifier");
    },
  );

  test.skipIf(!has("command -v systemd-analyze"))(
    "the unit of backups has no fault (skipped without systemd-analyze)",
    () => {
      const file = join(scratch, "omnikv-backup.service");
      writeFileSync(file, read("omnikv-backup.service").replace("/usr/bin/node", process.execPath));
      const { status, stderr } = run("systemd-analyze", ["verify", file]);
      expect([status, stderr]).toEqual([0, ""]);
    },
  );

  test("the schedule of backups is one that the command takes", () => {
    const text = read("omnikv-backup.service");
    const [, line = ""] = /^ExecStart=.* backup (.*)$/m.exec(text) ?? [];
    const { values, positionals } = parseArgs({
      args: line.split(" "),
      allowPositionals: true,
      options: { cluster: { type: "string" }, every: { type: "string" }, keep: { type: "string" } },
    });
    const [path = ""] = positionals;
    const { every, keep } = values;
    expect(scheduleOf(path, { every: every!, keep: keep! })).toEqual({
      path,
      keep: 48,
      everyMs: 3_600_000,
    });
    expect(text).toMatch(new RegExp(`^ReadWritePaths=${path}$`, "m"));
  });

  test("it starts the server with the flags of a server, and takes wrong settings for final", () => {
    const [, flags = ""] = /^ExecStart=\/usr\/bin\/node (.*?) \/opt/m.exec(unit) ?? [];
    expect(flags.split(" ")).toEqual(NODE_FLAGS);
    expect(unit).toMatch(/^RestartPreventExitStatus=2$/m);
  });

  test.skipIf(!HAS_OPENSSL)("its settings are settings (skipped without openssl)", () => {
    const text = printConfig(["--config", join(FOLDER, "server.json")], {
      ...certificates,
      OMNIKV_SECRET_FILE: secretFile,
    });
    expect(text).toMatch(/^data-dir +\/var\/lib\/omnikv\/data +file /m);
    expect(text).toMatch(/^host +10\.0\.0\.1 /m);
  });

  test("a secret that the cluster file names is among the settings that hold", () => {
    const cluster = join(scratch, "with-secret.json");
    const nodes = [1, 2, 3].map((id) => ({ id }));
    writeFileSync(cluster, JSON.stringify({ nodes, secretFile }));
    const text = printConfig(["--node", "1", "--cluster", cluster]);
    const line = text.split("\n").find((each) => each.startsWith("secret-file "));
    expect(line?.split(/ {2,}/).slice(1)).toEqual([secretFile, "follows from the others"]);
  });
});

describe("Docker", () => {
  const dockerfile = read("Dockerfile");

  test("what is copied into the image exists, and is not ignored", () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, paths = ""]) => paths.split(" "),
    );
    const kept = [...read("Dockerfile.dockerignore").matchAll(/^!(.+)$/gm)].map(([, path]) => path);
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(new Set(copied)).toEqual(new Set(kept));
  });

  test("no instruction is unknown, deprecated or without effect", () => {
    expect(validate(dockerfile)).toEqual([]);
    expect(validate(`${dockerfile}\nCMD ["start"]\n`).length).toBeGreaterThan(0);
  });

  test("the server has the flags of a server", () => {
    const [, entry = "[]"] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? [];
    const words = JSON.parse(entry) as string[];
    expect(words.slice(1, -1)).toEqual(NODE_FLAGS);
  });
});

const yaml = (name: string): unknown[] =>
  parseAllDocuments(read(name), { merge: true }).map((document): unknown => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });

interface Compose {
  readonly services: Readonly<Record<string, { environment: Record<string, string> }>>;
}

test("each server of compose.yaml has settings that are", () => {
  const [compose] = yaml("compose.yaml") as Compose[];
  const services = Object.entries(compose?.services ?? {});
  expect(services.map(([name]) => name)).toEqual(["node1", "node2", "node3"]);
  for (const [name, { environment }] of services) {
    const peerSecret = join(scratch, "peer-secret.txt");
    writeFileSync(peerSecret, "another secret for these tests, 2 of 2", { mode: 0o600 });
    const text = printConfig([], {
      ...environment,
      OMNIKV_SECRET_FILE: secretFile,
      OMNIKV_PEER_SECRET_FILE: peerSecret,
    });
    expect(text).toMatch(new RegExp(`^host +${name} `, "m"));
    expect(text).toMatch(/^port +4101 /m);
  }
});

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: {
      readonly spec: {
        readonly containers: readonly {
          readonly env: readonly { readonly name: string; readonly value?: string }[];
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly lifecycle?: unknown;
          readonly [probe: string]: unknown;
        }[];
      };
    };
  };
}

/** What the compiler says of resources of Kubernetes as values of their types: a field it does not know, or of another type. */
function faultsOf(resources: readonly Resource[]): string {
  const lines = resources.flatMap(({ kind, ...rest }, i) => [
    `import type { I${kind} as Type${i} } from "kubernetes-models/${rest.apiVersion}/${kind}";`,
    `export const resource${i}: Type${i} = ${JSON.stringify({ kind, ...rest })};`,
  ]);
  const folder = mkdtempSync(join(scratch, "typed-"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "resources.ts"), lines.join("\n"));
  const flags = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "nodenext",
  ];
  const compiler = join(ROOT, "node_modules/.bin/tsc");
  const compiled = run(compiler, [...flags, join(folder, "resources.ts")]);
  return compiled.stdout + compiled.stderr;
}

describe.skipIf(!HAS_OPENSSL)("Kubernetes (skipped without openssl)", () => {
  const resources = yaml("kubernetes.yaml") as Resource[];
  const [container] = resources.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
  const cluster = resources.find(({ kind }) => kind === "ConfigMap")?.data?.["cluster.json"] ?? "";

  test("it is what it should be", () => {
    expect(resources.map(({ kind }) => kind)).toEqual([
      "Namespace",
      "Service",
      "PodDisruptionBudget",
      "ConfigMap",
      "StatefulSet",
    ]);
  });

  test("every field is one that Kubernetes knows, and of its type", () => {
    expect(faultsOf(resources)).toBe("");
    const text = JSON.stringify(resources);
    const misspelt = JSON.parse(text.replace("runAsNonRoot", "runAsNonRot")) as Resource[];
    expect(faultsOf(misspelt)).toContain("'\"runAsNonRot\"' does not exist in type");
    const mistyped = text.replace('"maxUnavailable":1', '"maxUnavailable":true');
    expect(faultsOf(JSON.parse(mistyped) as Resource[])).toContain("Type 'true' is not assignable");
  });

  test("each pod has settings that are, and listens where the others look for it", () => {
    const clusterFile = join(scratch, "cluster.json");
    writeFileSync(clusterFile, cluster);
    const given = Object.fromEntries(
      (container?.env ?? []).map(({ name, value }) => [name, value]),
    );
    for (const id of ["1", "2", "3"]) {
      const text = printConfig([], {
        ...given,
        ...certificates,
        OMNIKV_NODE: id,
        OMNIKV_CLUSTER: clusterFile,
        OMNIKV_SECRET_FILE: secretFile,
      });
      expect(text).toMatch(new RegExp(`^host +omnikv-${id}\\.omnikv\\.omnikv\\.svc\\.`, "m"));
      for (const { name, containerPort } of container?.ports ?? []) {
        const setting = name === "client" ? "port" : "peer-port";
        expect(text).toMatch(new RegExp(`^${setting} +${containerPort} `, "m"));
      }
    }
  });

  test("probes ask what is there, and no hook runs", () => {
    const path = (probe: string): unknown =>
      (container?.[probe] as { httpGet: { path: string } } | undefined)?.httpGet.path;
    expect(["startupProbe", "livenessProbe", "readinessProbe"].map(path)).toEqual([
      "/livez",
      "/livez",
      "/readyz",
    ]);
    expect(container?.lifecycle).toBeUndefined();
  });
});

describe("Grafana", () => {
  const dashboard = JSON.parse(read("grafana.json")) as {
    readonly panels: readonly {
      readonly title: string;
      readonly targets?: readonly { readonly expr: string }[];
    }[];
  };
  const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => [title, expr] as const),
  );

  test("every expression is of metrics that there are", async () => {
    const options = { sight: () => sightWith(), life: () => ({ kind: "running" }) as const };
    const text = await new NodeMetrics({ ...options, ofProcess: true }).text();
    const names = new Set(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = "", type]) =>
        type === "histogram" ? [`${name}_bucket`, `${name}_count`] : [name],
      ),
    );
    expect(panels.length).toBeGreaterThan(15);
    for (const [title, expr] of panels) {
      const used = expr.match(/\b(?:etcd|omnikv|process|nodejs)_\w+/g) ?? [];
      expect([title, used.length > 0]).toEqual([title, true]);
      expect([title, used.filter((name) => !names.has(name))]).toEqual([title, []]);
    }
  });
});
