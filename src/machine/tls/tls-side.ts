/**
 * The material of one side of TLS connections. Certificates may change while it is used: new handshakes take the new ones,
 * and open connections stay.
 */
import type { X509Certificate } from "node:crypto";
import type { PeerCertificate, SecureContext, TLSSocket } from "node:tls";
import type { Address } from "../ports/index.ts";

/** Loaded with the first use: a program that imports the client may speak in plain text. */
const tls = () => process.getBuiltinModule("node:tls");
const crypto = () => process.getBuiltinModule("node:crypto");

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** Texts in PEM form. */
export interface TlsMaterial {
  /** The authorities to trust. Left out: those that Node.js brings along. */
  readonly ca?: string;
  /** Own certificate, with those between it and the authority behind it. */
  readonly cert?: string;
  readonly key?: string;
}

export interface TlsSide {
  /** The material for handshakes from now on. */
  current(): TlsMaterial;
  readonly minVersion: TlsVersion;
  /** A client of a listener must show a certificate. */
  readonly needsCertificate: boolean;
  /** @param told when `current` has changed @returns ends it */
  onChange(told: () => void): () => void;
}

/** One that never changes. @throws Error when the material cannot be used */
export function fixedTls(material: TlsMaterial, minVersion: TlsVersion = "TLSv1.3"): TlsSide {
  checkMaterial(material);
  return {
    current: () => material,
    minVersion,
    needsCertificate: false,
    onChange: () => () => {},
  };
}

/** For TLS 1.2 the properties that 1.3 always has: keys that are thrown away, and ciphers that authenticate. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/**
 * No tickets: a resumed session would not be checked against an authority that has been replaced meanwhile.
 * No new handshakes within a connection either: a proof bound to the first would not be bound to the second.
 */
export function contextOptions(side: TlsSide) {
  const { constants } = crypto();
  return {
    ...side.current(),
    minVersion: side.minVersion,
    ciphers: CIPHERS,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

const contexts = new WeakMap<TlsMaterial, SecureContext>();

/** Made once for as long as nothing changes: parsing certificates takes a millisecond. */
function contextOf(side: TlsSide): SecureContext {
  const material = side.current();
  const known = contexts.get(material);
  if (known !== undefined) return known;
  const context = tls().createSecureContext(contextOptions(side));
  contexts.set(material, context);
  return context;
}

/**
 * @returns the own certificate, if there is one
 * @throws Error with a sentence when certificate and key do not belong together, or cannot be read
 */
export function checkMaterial(material: TlsMaterial): X509Certificate | null {
  if ((material.cert === undefined) !== (material.key === undefined)) {
    throw new Error("a certificate and its private key belong together: one of them is missing");
  }
  // OpenSSL takes a text without a certificate for an empty list.
  if (material.ca !== undefined) parse(material.ca, "the file of the authorities");
  const own = material.cert === undefined ? null : parse(material.cert, "the certificate file");
  try {
    tls().createSecureContext({ ...material });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const isOther = /key values mismatch/i.test(said);
    throw new Error(
      isOther ? "the private key is not the one of the certificate" : `not to be used: ${said}`,
      { cause: error },
    );
  }
  return own;
}

const PEM_BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----(?:(?!-----)[^])*^-----END \1-----[ \t]*\r?$/gm;

function parse(pem: string, what: string): X509Certificate {
  const [first] = certificatesIn(pem, what);
  if (first === undefined) throw new Error(`${what} holds no certificate in PEM form`);
  return first;
}

/**
 * OpenSSL reads up to the first block that it does not understand and is content with the certificates before it, so a file that was
 * cut off would silently lose authorities.
 * @param what as in errors
 * @throws Error with a sentence when one of them is damaged
 */
export function certificatesIn(pem: string, what: string): readonly X509Certificate[] {
  const certificates = [...pem.matchAll(PEM_BLOCK)]
    .filter(([, label = ""]) => label.endsWith("CERTIFICATE"))
    .map(([block], i) => {
      try {
        return new (crypto().X509Certificate)(block);
      } catch (cause) {
        throw new Error(`${what} is damaged: certificate ${i + 1} is none`, { cause });
      }
    });
  if (/^[ \t]*-----[BE]/m.test(pem.replaceAll(PEM_BLOCK, ""))) {
    const whole = `${certificates.length} whole ${certificates.length === 1 ? "certificate" : "certificates"}`;
    throw new Error(`${what} is damaged: there is part of a block besides ${whole}`);
  }
  return certificates;
}

/** Node.js looks at the common name when there is no name of a host. */
const NO_SUBJECT: PeerCertificate["subject"] = { C: "", ST: "", L: "", O: "", OU: "", CN: "" };

/**
 * As Node.js checks it, but only by the names for that purpose (subjectAltName): anybody may choose any common name.
 * @returns why a certificate is not for a host; null: it is
 */
export function wrongName(host: string, certificate: PeerCertificate): string | null {
  const names = certificate.subjectaltname;
  const failure =
    names === undefined
      ? new Error("no name")
      : tls().checkServerIdentity(host, { ...certificate, subject: NO_SUBJECT });
  if (failure === undefined) return null;
  const told = names === undefined ? "no host at all" : names.slice(0, 200);
  return `the certificate is not for ${host}, but for ${told}: make one that names the host under which it is reached`;
}

/** How a program dials: the certificate must be for the host in the address. */
export function dialTls(side: TlsSide, { host, port }: Address): TLSSocket {
  return tls().connect({
    host,
    port,
    // Addresses have no such name.
    ...(process.getBuiltinModule("node:net").isIP(host) === 0 ? { servername: host } : {}),
    secureContext: contextOf(side),
    minVersion: side.minVersion,
    checkServerIdentity: (_, certificate) => {
      const wrong = wrongName(host, certificate);
      if (wrong === null) return undefined;
      return Object.assign(new Error(wrong), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    },
  });
}
