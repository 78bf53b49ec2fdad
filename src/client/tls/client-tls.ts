/** How a program says that its client speaks TLS, and with what. */
import { KvError } from "../../base/index.ts";
import {
  fixedTls,
  type TlsMaterial,
  type TlsSide,
  type TlsVersion,
} from "../../machine/tls/index.ts";

/** All of it may be left out. Texts and bytes are in PEM form, as the files have them. */
export interface ClientTls {
  /** The authority that the nodes' certificates are from. Default: those that Node.js brings along. */
  readonly ca?: string | Uint8Array;
  /** The client's own certificate, where the nodes want one. */
  readonly cert?: string | Uint8Array;
  /** Its private key. */
  readonly key?: string | Uint8Array;
  /** "1.3" or "1.2", for servers that have nothing newer. Default "1.3". */
  readonly minVersion?: "1.2" | "1.3";
}

export interface TlsOption {
  /**
   * Nodes are reached over TLS; true: with nothing but the defaults. Default: only when addresses say so
   * (`"https://node1:4101"` or `"wss://…"`).
   */
  readonly tls?: ClientTls | boolean;
}

/** What stands for TLS before the address of a node. */
const TLS_SCHEME = /^\s*(?:\d{1,9}=)?(?:https|wss):\/\//;
const PARTS = ["ca", "cert", "key"] as const;
const NAMES: readonly string[] = [...PARTS, "minVersion"];
const VERSIONS: Readonly<Record<string, TlsVersion>> = { "1.2": "TLSv1.2", "1.3": "TLSv1.3" };

/**
 * @returns null: in plain text
 * @throws KvError BAD_REQUEST that says which option is wrong; never what stands in a key
 */
export function clientTlsIn(tls: unknown, nodes: unknown): TlsSide | null {
  if (tls === false || tls === undefined) {
    const isByAddress = addressesUseTls(nodes);
    if (!isByAddress) return null;
    if (tls === undefined) return fixedTls({});
    throw bad("false, and the addresses say https:// or wss://: say one of them");
  }
  if (tls === true) return fixedTls({});
  if (typeof tls !== "object" || tls === null) {
    throw bad("expected true, or an object with ca, cert and key");
  }
  const unknown = Object.keys(tls).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw bad(`there is no ${unknown} in it, there are ${NAMES.join(", ")}`);
  }
  const given = tls as Readonly<Record<string, unknown>>;
  const { minVersion = "1.3" } = given;
  const version = typeof minVersion === "string" ? VERSIONS[minVersion] : undefined;
  if (version === undefined) throw bad('minVersion: expected "1.3" or "1.2"');
  const material: TlsMaterial = Object.fromEntries(
    PARTS.flatMap((name) => {
      const text = pemIn(name, given[name]);
      return text === undefined ? [] : [[name, text]];
    }),
  );
  try {
    return fixedTls(material, version);
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * Whether addresses say that nodes are reached over TLS (https or wss).
 * @throws KvError BAD_REQUEST when some do and others do not
 */
function addressesUseTls(nodes: unknown): boolean {
  const given: unknown = typeof nodes === "string" ? nodes.split(",") : nodes;
  if (!Array.isArray(given)) return false;
  const said = given.map((node: unknown) => typeof node === "string" && TLS_SCHEME.test(node));
  if (said.every((each) => each === said[0])) return said[0] ?? false;
  const text =
    "nodes: some addresses say TLS (https:// or wss://) and others do not: a client uses it for all or for none";
  throw new KvError("BAD_REQUEST", text);
}

function pemIn(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const text = value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : value;
  if (typeof text === "string" && text.includes("-----BEGIN ")) return text;
  throw bad(`${name}: expected text or bytes in PEM form ("-----BEGIN …"), not a file's name`);
}

function bad(text: string): KvError {
  return new KvError("BAD_REQUEST", `tls: ${text}`);
}
