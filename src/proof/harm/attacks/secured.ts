/** A cluster as it should be where strangers can reach it: all in TLS, and users with as few rights as they need. */
import {
  type ClientOptions,
  createAdminClient,
  createClient,
  type KvClient,
} from "../../../client/api/index.ts";
import { KvError } from "../../../base/index.ts";
import { pause, type OmnikvCluster } from "../../../measure/index.ts";
import type { AdminAccessChange } from "../../../protocol/admin/index.ts";
import type { AttackPlan, Credential, Secured } from "./protocol.ts";

const ROOT: Credential = { user: "root", password: "of root" };
const HONEST: Credential = { user: "honest", password: "of the honest one" };
const ATTACKER: Credential = { user: "attacker", password: "of the attacker" };
/** What each of them may read and write: what the honest client and the attacks write in a cluster without users. */
const RANGES: readonly (readonly [role: string, start: string, end: string])[] = [
  ["honest", "honest/", "honest0"],
  ["attacker", "a", "b"],
  ["attacker", "0", ":"],
];
const LEVEL_PAUSE_MS = 20;

type Who = "root" | "honest" | "attacker";
type Access = Pick<ClientOptions, "nodes" | "clusterId" | "tls" | "user" | "password">;

/** Makes the users and turns access control on. Resolves when every node knows. @param ca by which the servers are known */
export async function secure(
  { nodes, clusterId }: Pick<OmnikvCluster, "nodes" | "clusterId">,
  ca: string,
): Promise<Secured> {
  const admin = createAdminClient({ nodes, clusterId, tls: { ca } });
  /** A busy machine elects now and then. */
  const change = async (wanted: AdminAccessChange): Promise<void> => {
    try {
      await admin.call(1, "changeAccess", { change: wanted });
    } catch (error) {
      if (!(error instanceof KvError) || error.code !== "NO_QUORUM") throw error;
      await pause(LEVEL_PAUSE_MS);
      await change(wanted);
    }
  };
  for (const { user, password } of [ROOT, HONEST, ATTACKER]) {
    await change({ kind: "addUser", user, password });
    if (user !== ROOT.user) await change({ kind: "addRole", role: user });
    await change({ kind: "grantRole", user, role: user });
  }
  for (const [role, start, end] of RANGES) {
    const range = { start: Buffer.from(start), end: Buffer.from(end) };
    await change({ kind: "permit", role, may: "both", ...range });
  }
  await change({ kind: "turnOn" });
  for (const { id } of nodes) {
    while (!(await admin.call(id, "whoami", {})).isOn) await pause(LEVEL_PAUSE_MS);
  }
  admin.close();
  return { ca, root: ROOT, honest: HONEST, attacker: ATTACKER };
}

/** The sign-in of one of these users; in a cluster that is not secured clients have no user. */
export function accessOf({ nodes, clusterId, secured }: AttackPlan, who: Who): Access {
  if (secured === null) return { nodes, clusterId };
  return { nodes, clusterId, tls: { ca: secured.ca }, ...secured[who] };
}

/** An ordinary client of the attacker's, which makes what an attack needs. */
export const attackersClient = (plan: AttackPlan): KvClient =>
  createClient(accessOf(plan, "attacker"));
