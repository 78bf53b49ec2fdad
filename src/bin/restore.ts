/** `omnikv restore FILE`: data directories of a new cluster, which begins with what a backup holds. */
import { randomBytes } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import {
  BackupError,
  newBeginning,
  type NewCluster,
  restoreDirectory,
  REVISION_STEP,
} from "../storage/backup/index.ts";
import { KvError, StorageError, systemCode, terminalText } from "../base/index.ts";
import {
  type ClusterDescription,
  defaultCluster,
  loadClusterFile,
  parseClusterId,
  parseNodeId,
  parsePeersFlag,
} from "../server/config/index.ts";
import { createNodeRandom, nodeClock } from "../machine/runtime/index.ts";
import { makeDirectoryNow, NodeDisk, syncDirectory } from "../machine/host/index.ts";
import { EXIT } from "../prompt/terminal/index.ts";
import { Progress } from "./files/progress.ts";
import { readBackupFile } from "./files/read-backup-file.ts";

interface RestoreFlags {
  readonly dataDir: string;
  readonly node?: string;
  readonly all?: true;
  readonly cluster?: string;
  readonly peers?: string;
  readonly size?: string;
  readonly clusterId?: string;
  readonly restoreId?: string;
  readonly revisionStep: string;
}

/** Behind the name of a directory that is not complete. */
const BESIDE = ".restoring";

const HELP = `
Examples:
  omnikv restore monday.backup --node 1 --cluster new.json --restore-id tuesday --data-dir /var/lib/omnikv
                                 on the machine of node 1; then the same for every other node on its own
  omnikv restore monday.backup --all --size 3 --cluster-id monday --data-dir data-monday
                                 three nodes on this machine: data-monday/node1 and so on

A restore makes a new cluster, with an id of its own, that begins with the keys of the backup. Restore every node, from the
same file and with the same options, before you start any of them. Sessions are gone: clients begin anew. The revision is
${REVISION_STEP} above that of the backup, so that no revision means one thing before and another one after. The restore's id tells
clients and nodes of one restore from those of another of the same backup: never give one twice. A node whose disk is lost after the
first start comes back with omnikv server --rejoin, never by a second restore.

Exit status: 0 every directory asked for is complete and on the disk · 1 the backup is damaged, or a directory could not be
written · 2 usage, or a directory is not empty · 130 interrupted. What is not complete is removed.`;

export function restoreCommand(): Command {
  return new Command("restore")
    .description("Makes the data directories of a new cluster from a backup.")
    .argument("<file>", "the backup")
    .requiredOption("--data-dir <directory>", "the node's; of --all: in which each has its own")
    .option("--node <id>", "make the directory of this node")
    .option("--all", "make those of all nodes, DIRECTORY/node1 and so on")
    .option("--cluster <file>", "the new cluster, from a JSON file")
    .option("--peers <list>", "all its nodes: ID=HOST[:PORT[:PEERPORT]],…")
    .option("--size <n>", "nodes 1 to n on this machine")
    .option("--cluster-id <name>", "of the new cluster; not that of the old one")
    .option(
      "--restore-id <word>",
      "the same for all nodes, and new with every restore (--all: drawn)",
    )
    .option("--revision-step <n>", "how far revisions move on", String(REVISION_STEP))
    .addHelpText("after", HELP)
    .action(async (file: string, flags: RestoreFlags) => {
      process.exitCode = await runRestore(file, flags);
    });
}

/** One directory that is to be made, and where until it is complete. */
interface Place {
  readonly node: number;
  readonly path: string;
  readonly beside: string;
}

async function runRestore(file: string, flags: RestoreFlags): Promise<number> {
  const { clusterId, nodes } = described(flags);
  const members = nodes.map(({ id }) => id);
  const restoreId = restoreIdOf(flags);
  const cluster = {
    clusterId,
    members,
    restoreId,
    revisionStep: revisionStep(flags.revisionStep),
  };
  const places = placesOf(flags, members);
  // Before the work: a large backup takes minutes to read.
  if (flags.all === true) checkUninterrupted(resolve(flags.dataDir));
  for (const { path } of places) checkFree(path);
  const begun: Place[] = [];
  const cleanUp = (): void => {
    for (const { beside } of begun) rmSync(beside, { recursive: true, force: true });
  };
  const onSignal = (): void => {
    cleanUp();
    process.exit(EXIT.interrupted);
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal).on("SIGHUP", onSignal);
  try {
    await restore(file, cluster, places, begun);
    return 0;
  } catch (error) {
    if (!(error instanceof BackupError) && !(error instanceof StorageError)) throw error;
    const where = error instanceof BackupError ? `${file}: ` : "";
    process.stderr.write(`omnikv restore: ${terminalText(`${where}${error.message}`)}\n`);
    return 1;
  } finally {
    cleanUp();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal).off("SIGHUP", onSignal);
  }
}

/** @param begun directories to remove unless all goes well */
async function restore(
  file: string,
  cluster: NewCluster,
  places: readonly Place[],
  begun: Place[],
): Promise<void> {
  const { clusterId } = cluster;
  const backup = await readBackupFile(file);
  if (backup.header.clusterId === clusterId) {
    const text =
      `the backup is of cluster "${clusterId}": the restored one needs an id of its own (--cluster-id, or "clusterId" in the ` +
      `cluster file), so that nodes and clients of the two never take one for the other`;
    throw new KvError("BAD_REQUEST", text);
  }
  const state = newBeginning(backup, cluster);
  for (const place of places) {
    const { node, path, beside } = place;
    makeDirectoryNow(dirname(path));
    makeNew(beside);
    begun.push(place);
    const progress = new Progress(`restoring node ${node}`);
    await restoreDirectory(NodeDisk.open(beside), state, {
      clusterId,
      nodeId: node,
      members: cluster.members,
      random: createNodeRandom(),
      clock: nodeClock,
      onProgress: (bytes) => progress.at(bytes),
    });
    progress.end();
  }
  for (const { path, beside } of places) {
    takeName(beside, path);
    syncDirectory(dirname(path));
  }
  const { size, revision, appliedIdx } = state;
  const leased = backup.header.keys - size;
  process.stdout.write(
    terminalText(
      `restored ${size} keys at revision ${revision}, index ${appliedIdx}, for cluster ${clusterId}:\n` +
        (leased === 0 ? "" : `${leasedText(leased)}\n`) +
        places.map(({ node, path }) => `  node ${node} in ${path}\n`).join("") +
        (places.length === cluster.members.length
          ? ""
          : `Restore the other nodes from the same file, with the same options, before you start any of them.\n` +
            `A node whose disk is lost after the first start comes back with --rejoin: never restore it again.\n`),
    ),
  );
}

function leasedText(keys: number): string {
  const what = keys === 1 ? "1 key that was" : `${keys} keys that were`;
  return `  without ${what} bound to a lease: leases are of the clients of the old cluster, and end with it`;
}

function described(flags: RestoreFlags): ClusterDescription {
  const { cluster, peers, size, clusterId } = flags;
  if ([cluster, peers, size].filter((flag) => flag !== undefined).length > 1) {
    const text = "--cluster, --peers and --size all describe the new cluster: give one of them";
    throw new KvError("BAD_REQUEST", text);
  }
  const found =
    cluster === undefined ? defaultCluster(sizeOf(size)) : loadClusterFile(cluster, "--cluster");
  return {
    ...found,
    ...(peers === undefined ? {} : { nodes: parsePeersFlag(peers, "--peers") }),
    ...(clusterId === undefined ? {} : { clusterId: parseClusterId(clusterId, "--cluster-id") }),
  };
}

function sizeOf(text: string | undefined): number {
  if (text === undefined) return defaultCluster().nodes.length;
  return parseNodeId(text, "--size");
}

/** @throws KvError BAD_REQUEST when it is missing, because the other nodes must get the same one */
function restoreIdOf({ node, restoreId }: RestoreFlags): string {
  const drawn = randomBytes(6).toString("hex");
  if (restoreId === undefined && node === undefined) return drawn;
  if (restoreId !== undefined && /^[\w.:-]{1,64}$/.test(restoreId)) return restoreId;
  const expected = "a word of letters, digits and any of . : _ - (at most 64)";
  const text =
    restoreId === undefined
      ? `node by node, each restore needs an id, the same for all its nodes and new with every restore: --restore-id ${drawn}`
      : `--restore-id: expected ${expected}, got "${restoreId}"`;
  throw new KvError("BAD_REQUEST", text);
}

function revisionStep(text: string): number {
  const step = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (step >= 1) return step;
  const expected = "a positive integer of at most 15 digits";
  throw new KvError("BAD_REQUEST", `--revision-step: expected ${expected}, got "${text}"`);
}

function placesOf({ node, all, dataDir }: RestoreFlags, members: readonly number[]): Place[] {
  if ((node === undefined) === (all === undefined)) {
    throw new KvError("BAD_REQUEST", "give --node and an id, or --all: whose directory is it?");
  }
  const directory = resolve(dataDir);
  const place = (id: number, path: string): Place => ({
    node: id,
    path,
    beside: `${path}${BESIDE}`,
  });
  if (node === undefined) return members.map((id) => place(id, join(directory, `node${id}`)));
  const id = parseNodeId(node, "--node");
  if (!members.includes(id)) {
    const expected = `one of the cluster's nodes (${members.join(", ")})`;
    throw new KvError("BAD_REQUEST", `--node: expected ${expected}, got "${node}"`);
  }
  return [place(id, directory)];
}

/**
 * Finds an interrupted restore of all nodes: some directories may have their final names already, which does not prove that it ended.
 * @throws KvError BAD_REQUEST when one of them is not complete
 */
function checkUninterrupted(directory: string): void {
  const left = namesIn(directory).filter((name) => /^node\d+(\.restoring)?$/.test(name));
  if (!left.some((name) => name.endsWith(BESIDE))) return;
  const paths = left.map((name) => join(directory, name)).join(", ");
  const text =
    `a restore into ${directory} was interrupted, or is still at work, and these are of it, complete or not: ${paths}. All nodes must come ` +
    `from one run: unless one of them was started, remove them all, and run it again`;
  throw new KvError("BAD_REQUEST", text);
}

/** None where there is no such directory. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "")) return [];
    throw error;
  }
}

/** @throws KvError BAD_REQUEST when the path is taken, or no directory can take its name */
function checkFree(path: string): void {
  try {
    const { dev } = lstatSync(dirname(path));
    const there = lstatSync(path);
    if (there.isSymbolicLink() || there.dev !== dev) {
      const what = there.isSymbolicLink() ? "a symbolic link" : "where a file system is mounted";
      const text = `${path} is ${what}, which cannot be replaced by a directory made beside it: name a directory in it`;
      throw new KvError("BAD_REQUEST", text);
    }
    if (readdirSync(path).length === 0) return;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") return;
    if (code !== "ENOTDIR") throw error;
  }
  const text = `${path} is not empty: a restore makes a directory, and never touches one that is there`;
  throw new KvError("BAD_REQUEST", text);
}

/** Makes the directory for this process alone: if it exists, another process has made it, or has left it. */
function makeNew(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    const text = `${path} is there already: another restore makes it, or one was interrupted; remove it`;
    throw new KvError("BAD_REQUEST", text);
  }
}

/** @throws KvError BAD_REQUEST when another program has put something there meanwhile */
function takeName(from: string, to: string): void {
  checkFree(to);
  // A file that came since makes this fail: only an empty directory can be removed.
  try {
    rmdirSync(to);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
  renameSync(from, to);
}
