/** `omnikv cert`: a small authority, and certificates of it for nodes and clients, for a lab. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Argument, Command } from "commander";
import { KvError } from "../base/index.ts";
import { defaultCluster, loadClusterFile } from "../server/config/index.ts";
import {
  type CertificateFiles,
  makeAuthority,
  makeCertificate,
  makePrivateDirectory,
} from "../machine/host/index.ts";

interface CertFlags {
  readonly name?: string;
  readonly hosts?: string;
  readonly cluster?: string;
  readonly days: string;
}

const WHATS = ["lab", "ca", "node", "client"] as const;
type What = (typeof WHATS)[number];

/** The authority outlives its certificates by some years; the certificates are renewed once a year. */
const AUTHORITY_DAYS = 5 * 365;
const DAYS = "365";
const DAYS_MAX = 825;
const HOST = /^[A-Za-z0-9._:-]{1,253}$/;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

const HELP = `
Examples:
  omnikv cert lab tls                              an authority, nodes 1 to 3 on this machine, a client
  omnikv cert lab tls --cluster cluster.json       the same for the hosts of a file
  omnikv cert node tls --name node4 --hosts node4.lan,10.0.0.4
  omnikv cert client tls --name alice

In DIRECTORY are then ca.crt and ca.key, and NAME.crt and NAME.key for each. Keys are for their owner only (0600); ca.key
can make nodes and clients: keep it away from the servers. An authority lasts five years, what it signs a year (--days).
Nothing that is there is overwritten: to renew a certificate, make it in another place and move both files over the old ones;
servers take them up without a restart. Needs the program openssl. docs/tls.md goes through all of it.`;

export function certCommand(): Command {
  return new Command("cert")
    .description("Makes a small authority and certificates of it, for a lab.")
    .addArgument(new Argument("<what>", "what to make").choices(WHATS))
    .argument("<directory>", "where ca.crt and ca.key are, or are to be")
    .option("--name <name>", "of a node or a client: names its files")
    .option("--hosts <list>", "of a node: the names and addresses under which it is reached")
    .option("--cluster <file>", "for lab: the nodes of this file (default: 1 to 3 here)")
    .option("--days <n>", `how long nodes' and clients' last, at most ${DAYS_MAX}`, DAYS)
    .addHelpText("after", HELP)
    .action((what: What, directory: string, flags: CertFlags) => {
      process.stdout.write(make(what, resolve(directory), flags));
    });
}

/** @returns what was made, as lines */
function make(what: What, directory: string, flags: CertFlags): string {
  const days = daysIn(flags.days);
  makePrivateDirectory(directory);
  const authority = filesOf(directory, "ca");
  const said: string[] = [];
  const authorityNow = (): void => {
    makeAuthority(authority, AUTHORITY_DAYS);
    said.push(`authority: ${authority.cert} (keep ${authority.key} to yourself)`);
  };
  const certificate = (name: string, hosts: readonly string[]): void => {
    const files = filesOf(directory, name);
    makeCertificate({ files, authority, name, hosts, days });
    const who = hosts.length === 0 ? "client" : `node at ${hosts.join(", ")}`;
    said.push(`${who}: ${files.cert}, ${files.key}`);
  };
  if (what === "ca" || (what === "lab" && !existsSync(authority.cert))) authorityNow();
  else if (!existsSync(authority.key)) {
    const text = `there is no authority in ${directory}: omnikv cert ca ${directory}`;
    throw new KvError("BAD_REQUEST", text);
  }
  switch (what) {
    case "ca":
      break;
    case "lab": {
      const { nodes } =
        flags.cluster === undefined ? defaultCluster() : loadClusterFile(flags.cluster);
      for (const { id, host } of nodes) certificate(`node${id}`, withLoopback(host));
      certificate("client", []);
      break;
    }
    case "node":
      certificate(nameIn(flags), hostsIn(flags));
      break;
    case "client":
      if (flags.hosts !== undefined) {
        const text = "--hosts: are for nodes: a client with hosts could pass for one of them";
        throw new KvError("BAD_REQUEST", text);
      }
      certificate(nameIn(flags), []);
  }
  return said.map((line) => `${line}\n`).join("");
}

/** A node that listens on loopback is reached by all of its names. */
function withLoopback(host: string): readonly string[] {
  return host === "127.0.0.1" ? [host, "localhost", "::1"] : [host];
}

function filesOf(directory: string, name: string): CertificateFiles {
  return { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
}

function nameIn({ name }: CertFlags): string {
  if (name !== undefined && NAME.test(name) && name !== "ca") return name;
  const expected = 'expected a name of letters, digits, ".", "_" and "-", other than ca';
  throw new KvError("BAD_REQUEST", `--name: ${expected}, got ${name ?? "none"}`);
}

function hostsIn({ hosts }: CertFlags): readonly string[] {
  const list = (hosts ?? "").split(",").map((host) => host.trim());
  if (list.every((host) => HOST.test(host))) return list;
  const expected = "expected the names and addresses of the node, like node1.lan,10.0.0.1";
  throw new KvError("BAD_REQUEST", `--hosts: ${expected}, got ${hosts ?? "none"}`);
}

function daysIn(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= DAYS_MAX) return days;
  throw new KvError("BAD_REQUEST", `--days: expected 1 to ${DAYS_MAX}, got "${text}"`);
}
