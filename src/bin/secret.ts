/** `omnikv secret`: makes a secret, and takes a file of them through a change without a pause. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { Command } from "commander";
import { KvError, systemCode } from "../base/index.ts";
import { readSecretFile, SECRETS_MAX } from "../server/config/index.ts";
import { PRIVATE_FILE } from "../machine/host/index.ts";

interface SecretFlags {
  readonly add?: true;
  readonly promote?: true;
  readonly drop?: true;
}

/** Twice what is asked for. */
const SECRET_BYTES = 32;

const HELP = `
Examples:
  omnikv secret secret.txt                a new file, for its owner only
  omnikv secret peer-secret.txt           another one, that only nodes get
  omnikv secret                           print one

To change a secret while the cluster serves, bring each step to every node before the next; servers take it up within two
seconds, without a restart:
  1. omnikv secret secret.txt --add       a new one behind the old: both are accepted, the old one is proved
  2. omnikv secret secret.txt --promote   the new one to the front: it is proved; clients get the file now
  3. omnikv secret secret.txt --drop      the old one is gone: only the first is accepted
docs/tls.md says what else there is to know.`;

export function secretCommand(): Command {
  return new Command("secret")
    .description("Makes a secret of 256 bits, or changes the ones in a file step by step.")
    .argument("[file]", "the file; without one the secret is printed")
    .option("--add", "put a new one behind those in the file")
    .option("--promote", "bring the last one to the front")
    .option("--drop", "keep only the first")
    .addHelpText("after", HELP)
    .action((file: string | undefined, flags: SecretFlags) => {
      process.stdout.write(run(file, flags));
    });
}

function run(file: string | undefined, flags: SecretFlags): string {
  const steps = [flags.add, flags.promote, flags.drop].filter((step) => step === true).length;
  if (steps > 1) {
    throw new KvError("BAD_REQUEST", "--add, --promote and --drop are three steps: give one");
  }
  if (file === undefined) {
    if (steps === 1) throw new KvError("BAD_REQUEST", "which file? omnikv secret FILE --add");
    return `${newSecret()}\n`;
  }
  if (steps === 0) {
    create(file);
    return `a secret is in ${file}: the same file goes to all who need it\n`;
  }
  const secrets = readSecretFile(file, "FILE");
  const changed = step(secrets, flags);
  replace(file, changed);
  const count = changed.length === 1 ? "1 secret" : `${changed.length} secrets`;
  return `${file} holds ${count} now; the first is proved, ${changed.length === 1 ? "it" : "each"} is accepted\n`;
}

function step(secrets: readonly string[], { add, promote }: SecretFlags): readonly string[] {
  if (add === true) {
    if (secrets.length < SECRETS_MAX) return [...secrets, newSecret()];
    const text = `--add: the file holds ${SECRETS_MAX} secrets, and nobody reads more: --drop keeps only the first`;
    throw new KvError("BAD_REQUEST", text);
  }
  if (promote !== true) return secrets.slice(0, 1);
  if (secrets.length > 1) return [...secrets.slice(-1), ...secrets.slice(0, -1)];
  throw new KvError("BAD_REQUEST", "--promote: the file holds one secret only: --add comes first");
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("hex");
}

function create(file: string): void {
  try {
    writeFileSync(file, `${newSecret()}\n`, { flag: "wx", mode: PRIVATE_FILE });
  } catch (cause) {
    if (systemCode(cause) !== "EEXIST") throw cause;
    const text = `${file} is there already, and is not overwritten: --add puts another secret into it`;
    throw new KvError("FORBIDDEN", text, { cause });
  }
}

/**
 * A concurrent reader gets the old file or the new one. The file keeps its owner, who may be another user than the one
 * who changes it; a link goes on leading to it.
 */
function replace(file: string, secrets: readonly string[]): void {
  const target = realpathSync(file);
  const next = `${target}.new`;
  rmSync(next, { force: true });
  try {
    const descriptor = openSync(next, "wx", PRIVATE_FILE);
    try {
      writeFileSync(descriptor, secrets.map((secret) => `${secret}\n`).join(""));
      keepOwner(descriptor, statSync(target));
    } finally {
      closeSync(descriptor);
    }
    renameSync(next, target);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
}

function keepOwner(descriptor: number, { uid, gid, mode }: Stats): void {
  const made = fstatSync(descriptor);
  if (made.uid !== uid || made.gid !== gid) fchownSync(descriptor, uid, gid);
  fchmodSync(descriptor, mode & 0o777);
}
