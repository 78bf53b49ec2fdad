/** The settings that a program gives a node, checked and translated into those of servers. */
import { KvError } from "../base/index.ts";
import { badArgument } from "../client/terms/index.ts";
import { FLAG_DEFAULTS, type ServerFlags } from "../server/process/index.ts";

/**
 * A member of the cluster: `{ id, host, port, peerPort }`, or `"ID=HOST:PORT:PEERPORT"`. Host and ports may be left out: 127.0.0.1,
 * 4100 + id for clients, 4200 + id for the other nodes.
 */
export type MemberGiven =
  | string
  | {
      /** 1 to 99. */
      readonly id: number;
      readonly host?: string;
      /** Where clients, management and the page connect. */
      readonly port?: number;
      /** Where the other nodes connect. */
      readonly peerPort?: number;
    };

/** Takes the node's log lines; `console` is one. Methods that are missing are not called. */
export interface NodeLogger {
  /** The usual events: it is ready, it leads, a snapshot was taken. */
  info?(message: string, fields?: object): void;
  /** An operator should look at it. */
  warn?(message: string, fields?: object): void;
  /** An operator must act. */
  error?(message: string, fields?: object): void;
}

/** Settings of `startNode`. Only `dataDir` must be there. Files are paths, relative to the working directory. Times are in milliseconds. */
export interface NodeSettings {
  /** Where the node keeps its data; made when it is missing. One node a directory, for as long as it runs. */
  readonly dataDir: string;
  /**
   * All nodes of the cluster, this one included, the same for each of them and for good. In one string they stand with commas
   * between them. Default: a cluster of this node alone.
   */
  readonly members?: string | readonly MemberGiven[];
  /** The same from a JSON file, as `omnikv server --cluster` takes it. */
  readonly cluster?: string;
  /** Which of the members this node is. Default: the only one. */
  readonly node?: number;
  /**
   * Whether clients of other processes, management and the page can connect. Default: when there are `members` or a `cluster`
   * file; a cluster of one that was not described opens no port at all.
   */
  readonly listen?: boolean;
  /** Nodes of another cluster are refused: letters, digits, ".", "_" and "-". Default "omnikv-local". */
  readonly clusterId?: string;
  /** The address to listen on, where it is not the member's host. */
  readonly host?: string;
  /** As `host`, of the member's `port`. */
  readonly port?: number;
  /** As `host`, of the member's `peerPort`. */
  readonly peerPort?: number;
  /** The secret that clients prove to know. */
  readonly secretFile?: string;
  /** The secret that nodes prove to know. */
  readonly peerSecretFile?: string;
  /** TLS for clients, with `keyFile`. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Clients must show a certificate of `trustedCaFile`. */
  readonly clientCertAuth?: boolean;
  readonly trustedCaFile?: string;
  /** TLS among nodes, with `peerKeyFile`. */
  readonly peerCertFile?: string;
  readonly peerKeyFile?: string;
  /** Nodes that connect must show a certificate of their host, of `peerTrustedCaFile`. */
  readonly peerClientCertAuth?: boolean;
  readonly peerTrustedCaFile?: string;
  readonly tlsMinVersion?: "1.2" | "1.3";
  /** Listens beyond this machine without TLS. */
  readonly allowPlainText?: boolean;
  /** Management may break links, for tests and lessons. */
  readonly allowFaults?: boolean;
  /** With an empty directory in place of a lost one: takes everything from the others first. */
  readonly rejoin?: boolean;
  /** Once, for data of omnikv 0.1: the cluster always had exactly these nodes. */
  readonly confirmMembers?: boolean;
  /** The unit of time. Default 10. */
  readonly tickMs?: number;
  /** A lost leader is replaced within four of these. Default 100. */
  readonly electionTimeoutMs?: number;
  /** After so long a node repeats messages that may have been lost. Default 200. */
  readonly resendMs?: number;
  /** A request that finds no majority for so long is refused. Default 3000. */
  readonly requestTimeoutMs?: number;
  /**
   * No snapshot is taken before so many MiB of log, unless there are `snapshotEntries` earlier. With a large state it takes more: half
   * of what the state takes, twice what its history takes. Default 16.
   */
  readonly snapshotMb?: number;
  /** A snapshot is taken after so many entries of the log at the latest, however short they are. Default 200,000. */
  readonly snapshotEntries?: number;
  /** Gets what servers write to their log. Default: none. */
  readonly logger?: NodeLogger;
}

type Kind = "text" | "number" | "switch";

/** The kinds of the settings that a server has as flags of the same name. */
const KINDS = {
  dataDir: "text",
  cluster: "text",
  node: "number",
  clusterId: "text",
  host: "text",
  port: "number",
  peerPort: "number",
  secretFile: "text",
  peerSecretFile: "text",
  certFile: "text",
  keyFile: "text",
  clientCertAuth: "switch",
  trustedCaFile: "text",
  peerCertFile: "text",
  peerKeyFile: "text",
  peerClientCertAuth: "switch",
  peerTrustedCaFile: "text",
  tlsMinVersion: "text",
  allowPlainText: "switch",
  allowFaults: "switch",
  rejoin: "switch",
  confirmMembers: "switch",
  tickMs: "number",
  electionTimeoutMs: "number",
  resendMs: "number",
  requestTimeoutMs: "number",
  snapshotMb: "number",
  snapshotEntries: "number",
} as const satisfies Partial<Record<keyof NodeSettings & keyof ServerFlags, Kind>>;

const EXPECTED: Readonly<Record<Kind, string>> = {
  text: "a text that is not empty",
  number: "a whole number",
  switch: "true or false",
};
const OTHERS: readonly string[] = ["members", "listen", "logger"];
const MEMBER_EXPECTED = '{ id, host, port, peerPort } or "ID=HOST:PORT:PEERPORT"';
const MEMBER_PARTS = { id: "number", host: "text", port: "number", peerPort: "number" } as const;

export interface ReadSettings {
  readonly flags: ServerFlags;
  readonly listens: boolean;
  readonly logger: NodeLogger | null;
}

/** @throws KvError BAD_REQUEST that names the setting, what was expected and what came */
export function readSettings(settings: NodeSettings): ReadSettings {
  if (typeof settings !== "object" || settings === null) {
    throw badArgument("settings", "an object with dataDir", settings);
  }
  const given = settings as unknown as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !(name in KINDS) && !OTHERS.includes(name));
  if (unknown !== undefined) {
    const known = [...Object.keys(KINDS), ...OTHERS].join(", ");
    throw new KvError("BAD_REQUEST", `${unknown}: there is no such setting, there are ${known}`);
  }
  if (settings.dataDir === undefined) throw badArgument("dataDir", "a directory", undefined);
  const texts: Record<string, string | true> = {};
  for (const [name, kind] of Object.entries(KINDS)) {
    const text = textOf(name, kind, given[name]);
    if (text !== null) texts[name] = text;
  }
  const { members, listen, logger } = settings;
  const isDescribed = members !== undefined || settings.cluster !== undefined;
  if (listen !== undefined && typeof listen !== "boolean") {
    throw badArgument("listen", EXPECTED.switch, listen);
  }
  if (logger !== undefined && (typeof logger !== "object" || logger === null)) {
    throw badArgument("logger", "an object like console", logger);
  }
  const peers = members === undefined ? null : membersText(members);
  if (!isDescribed) texts["peers"] = `${settings.node ?? 1}=127.0.0.1`;
  else if (peers !== null) texts["peers"] = peers;
  if (settings.node === undefined) texts["node"] = onlyMember(texts["peers"]);
  return {
    flags: { ...FLAG_DEFAULTS, node: "", ...texts },
    listens: listen ?? isDescribed,
    logger: logger ?? null,
  };
}

/** Servers speak of flags, programs of settings: "--peer-port" is "peerPort" here. */
export function inSettings(text: string): string {
  return text.replaceAll(/--([a-z]+(?:-[a-z]+)*)/g, (_, flag: string) =>
    flag === "peers"
      ? "members"
      : flag.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
  );
}

/** @returns null: not given */
function textOf(name: string, kind: Kind, value: unknown): string | true | null {
  if (value === undefined) return null;
  switch (kind) {
    case "text":
      if (typeof value === "string" && value !== "") return value;
      break;
    case "number":
      if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
      break;
    case "switch":
      if (typeof value === "boolean") return value ? true : null;
      break;
  }
  throw badArgument(name, EXPECTED[kind], value);
}

function membersText(members: unknown): string {
  if (typeof members === "string") return members;
  if (!Array.isArray(members) || members.length === 0) {
    throw badArgument("members", `at least one of ${MEMBER_EXPECTED}`, members);
  }
  return Array.from(members as readonly unknown[], memberText).join(",");
}

function memberText(member: unknown, i: number): string {
  const name = `members[${i}]`;
  if (typeof member === "string") return member;
  if (typeof member !== "object" || member === null) {
    throw badArgument(name, MEMBER_EXPECTED, member);
  }
  const given = member as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((part) => !(part in MEMBER_PARTS));
  if (unknown !== undefined) throw badArgument(name, MEMBER_EXPECTED, `one with ${unknown}`);
  const part = (which: keyof typeof MEMBER_PARTS): string =>
    String(textOf(`${name}.${which}`, MEMBER_PARTS[which], given[which]) ?? "");
  const host = part("host") === "" ? "127.0.0.1" : part("host");
  const id = part("id");
  const port = part("port") === "" ? String(4100 + Number(id)) : part("port");
  const peerPort = part("peerPort") === "" ? "" : `:${part("peerPort")}`;
  return `${id}=${host.includes(":") ? `[${host}]` : host}:${port}${peerPort}`;
}

/** @throws KvError when there are several: the user must name one */
function onlyMember(peers: string | true | undefined): string {
  const ids = typeof peers === "string" ? [...peers.matchAll(/(?:^|,)\s*(\d+)=/g)] : [];
  const [only] = ids;
  if (ids.length === 1 && only?.[1] !== undefined) return only[1];
  throw new KvError("BAD_REQUEST", "node: expected the id of one of the members, got undefined");
}
