/** What every command proves to a cluster to get in: the secret, and TLS. The same options and variables everywhere. */
import { Option, type Command } from "commander";
import type { ClientTls } from "../../client/api/index.ts";
import { KvError } from "../../base/index.ts";
import {
  type ClusterDescription,
  FILE_MAX,
  namesTls,
  readPrivateFile,
  readRegularText,
  readSecretFile,
} from "../../server/config/index.ts";
import { passwordIn } from "./ask-password.ts";
import { ACCESS_VARIABLES } from "./variables.ts";

/** As commander gives them. */
export interface AccessFlags {
  readonly nodes?: string;
  readonly cluster?: string;
  readonly secretFile?: string;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tlsMinVersion?: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

type TlsTexts = { readonly [Name in "ca" | "cert" | "key"]?: string } & Pick<
  ClientTls,
  "minVersion"
>;

export interface Access {
  /** The first of the file: that is the one which is proved. Null: there is none. */
  readonly secret: string | null;
  /** In texts. False: in plain text. */
  readonly tls: TlsTexts | false;
  /** The user who signs in, where access control is on. Empty: none. */
  readonly credentials: { readonly user?: string; readonly password?: () => string };
}

/** Adds the options; where one is not given, its variable counts. */
export function addCredentialOptions(command: Command): Command {
  const option = (flags: string, help: string, variable: string): Option =>
    new Option(flags, help).env(variable);
  return command
    .addOption(
      option(
        "--secret-file <file>",
        "the cluster's secret, when it has one",
        ACCESS_VARIABLES.secretFile,
      ),
    )
    .addOption(
      option("--cacert <file>", "use TLS, and believe this authority", ACCESS_VARIABLES.cacert),
    )
    .addOption(option("--cert <file>", "show this certificate to the nodes", ACCESS_VARIABLES.cert))
    .addOption(option("--key <file>", "its private key", ACCESS_VARIABLES.key))
    .addOption(
      option(
        "--tls-min-version <version>",
        "1.3, or 1.2 for an old server",
        ACCESS_VARIABLES.tlsMinVersion,
      ),
    )
    .addOption(
      option(
        "--user <name>",
        "sign in as this user; the password is asked for",
        ACCESS_VARIABLES.user,
      ),
    )
    .addOption(
      option(
        "--password-file <file>",
        "the user's password: the first line of this file",
        ACCESS_VARIABLES.passwordFile,
      ),
    );
}

/**
 * The command line goes before the cluster file.
 * @throws KvError BAD_REQUEST that names the flag
 */
export function readAccess(flags: AccessFlags, cluster: ClusterDescription): Access {
  checkNotEmpty(flags);
  const secretFile = flags.secretFile ?? cluster.secretFile;
  return {
    secret: secretFile === undefined ? null : (readSecretFile(secretFile)[0] ?? null),
    tls: readTls(flags, cluster),
    credentials: readCredentials(flags),
  };
}

/** Commander hands on an empty flag, and for an empty variable too. */
function checkNotEmpty({ secretFile, cacert, cert, key, passwordFile }: AccessFlags): void {
  const files = { "secret-file": secretFile, cacert, cert, key, "password-file": passwordFile };
  for (const [name, file] of Object.entries(files)) {
    if (file !== "") continue;
    const text = `--${name}: expected a file's name, got an empty text; is it a variable that was not set?`;
    throw new KvError("BAD_REQUEST", text);
  }
}

/** Read once now, so that a wrong file fails at once, and again at each sign-in. */
function readCredentials({ user, passwordFile }: AccessFlags): Access["credentials"] {
  if (user === undefined && passwordFile !== undefined) {
    throw new KvError("BAD_REQUEST", "--password-file: needs --user too");
  }
  if (user === undefined || passwordFile === undefined) return user === undefined ? {} : { user };
  passwordIn(passwordFile);
  return { user, password: () => passwordIn(passwordFile) };
}

function readTls(flags: AccessFlags, { tls }: ClusterDescription): TlsTexts | false {
  const { cacert = tls?.cacert, cert = tls?.cert, key = tls?.key } = flags;
  const isWanted =
    tls !== undefined ||
    [cacert, cert, key].some((file) => file !== undefined) ||
    (flags.nodes !== undefined && namesTls(flags.nodes));
  if (!isWanted) return false;
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ["--key", "--cert"] : ["--cert", "--key"];
    throw new KvError("BAD_REQUEST", `${given}: needs ${missing} too`);
  }
  return {
    minVersion: minVersionIn(flags.tlsMinVersion ?? "1.3"),
    ...(cacert === undefined ? {} : { ca: readRegularText(cacert, "--cacert", FILE_MAX.pem) }),
    ...(cert === undefined ? {} : { cert: readRegularText(cert, "--cert", FILE_MAX.pem) }),
    ...(key === undefined ? {} : { key: privateText(key) }),
  };
}

function privateText(path: string): string {
  return Buffer.from(readPrivateFile(path, "--key", "a private key")).toString("utf8");
}

function minVersionIn(text: string): "1.2" | "1.3" {
  if (text === "1.3" || text === "1.2") return text;
  throw new KvError("BAD_REQUEST", `--tls-min-version: expected 1.3 or 1.2, got "${text}"`);
}
