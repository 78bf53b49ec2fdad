/** Reports as etcd's robustness tests write them, of a store made up here: right by construction, with some answers lost. */
import { SeededRandom } from "../../../src/machine/ports/index.ts";

export interface ReportPlan {
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  readonly lostPerMille: number;
}

type Json = Record<string, unknown>;
interface Held {
  readonly value: string;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: number;
}

export interface Reports {
  /** A line for each, of all clients. */
  readonly operations: Json[];
  readonly watch: Json;
}

export function generateReports(plan: ReportPlan): Reports {
  const random = new SeededRandom(plan.seed);
  const store = new Map<string, Held>();
  let revision = 1;
  let time = 0;
  let asked = 0;
  const operations: Json[] = [];
  const responses: Json[] = [];
  const busy: { client: number; input: Json; call: number; output?: Json }[] = [];
  const free = Array.from({ length: plan.clients }, (_, client) => client);
  const keyAt = (i: number): string => `key${String(i).padStart(4, "0")}`;
  const anyKey = (): string => keyAt(random.below(plan.keys));

  const found = (start: string, end: string, limit: number): Json => {
    const keys = (end === "" ? [start] : [...store.keys()].sort()).filter(
      (key) => store.has(key) && key >= start && (end === "" || key < end),
    );
    const some = limit > 0 ? keys.slice(0, limit) : keys;
    const kvs = some.map((key) => {
      const held = store.get(key);
      return {
        Key: key,
        Value: { Value: held?.value },
        ModRevision: held?.modRevision,
        Version: held?.version,
      };
    });
    return { KVs: kvs, Count: keys.length };
  };

  const change = (events: Json[], key: string, held: Held | null): void => {
    const before = store.get(key);
    events.push({
      Type: held === null ? "delete-operation" : "put-operation",
      Key: key,
      Value: { Value: held?.value ?? "" },
      Revision: revision + 1,
      IsCreate: held !== null && before === undefined,
      PrevValue:
        before === undefined
          ? null
          : { Value: { Value: before.value }, ModRevision: before.modRevision },
    });
    if (held === null) store.delete(key);
    else store.set(key, held);
  };

  const carryOut = (input: Json): Json => {
    const events: Json[] = [];
    let told: Json;
    if (input["Type"] === "range") {
      const { Start, End, Limit } = input["Range"] as { Start: string; End: string; Limit: number };
      told = { Range: found(Start, End, Limit) };
    } else if (input["Type"] === "leaseRevoke") {
      const { LeaseID } = input["LeaseRevoke"] as { LeaseID: number };
      const keys = [...store].flatMap(([key, { lease }]) => (lease === LeaseID ? [key] : []));
      for (const key of keys) change(events, key, null);
      told = { LeaseRevoke: {} };
    } else {
      const txn = input["Txn"] as { Conditions: Json[] } & Record<string, Json[]>;
      const holds = txn.Conditions.every(
        ({ Key, ExpectedRevision }) =>
          (store.get(String(Key))?.modRevision ?? 0) === ExpectedRevision,
      );
      const ops = (holds ? txn["OperationsOnSuccess"] : txn["OperationsOnFailure"]) ?? [];
      const results = ops.map((op): Json => {
        const {
          Key = "",
          Start = "",
          Value,
          LeaseID = 0,
        } = {
          ...(op["Put"] as Json),
          ...(op["Delete"] as Json),
          ...(op["Range"] as Json),
        } as { Key?: string; Start?: string; Value?: { Value: string }; LeaseID?: number };
        if (op["Type"] === "range-operation") return found(Start, "", 0);
        if (op["Type"] === "delete-operation") {
          const isThere = store.has(Key);
          if (isThere) change(events, Key, null);
          return { KVs: null, Deleted: isThere ? 1 : 0 };
        }
        const version = (store.get(Key)?.version ?? 0) + 1;
        const value = Value?.Value ?? "";
        change(events, Key, { value, modRevision: revision + 1, version, lease: LeaseID });
        return { KVs: null, Count: 0, Deleted: 0 };
      });
      told = { Txn: { Failure: !holds, Results: results } };
    }
    if (events.length > 0) {
      revision += 1;
      responses.push({ Events: events, IsProgressNotify: false, Revision: revision });
    }
    return { ...told, Revision: revision, Error: "" };
  };

  const op = (type: string, key: string): Json =>
    type === "put"
      ? {
          Type: "put-operation",
          Put: {
            Key: key,
            Value: { Value: `${asked}` },
            LeaseID: random.chance(0.1) ? 1 + random.below(3) : 0,
          },
        }
      : type === "delete"
        ? { Type: "delete-operation", Delete: { Key: key } }
        : { Type: "range-operation", Range: { Start: key, End: "", Limit: 0 } };

  const ask = (): Json => {
    const dice = random.below(100);
    if (dice < 30) return { Type: "range", Range: { Start: anyKey(), End: "", Limit: 0 } };
    if (dice < 40) {
      const from = random.below(plan.keys);
      const range = { Start: keyAt(from), End: keyAt(from + 8), Limit: random.below(6) };
      return { Type: "range", Range: range };
    }
    if (dice < 41) return { Type: "leaseRevoke", LeaseRevoke: { LeaseID: 1 + random.below(3) } };
    const keys = [...new Set([anyKey(), anyKey(), anyKey()])];
    const isGuarded = dice < 70;
    const [first = ""] = keys;
    return {
      Type: "txn",
      Txn: {
        Conditions: isGuarded
          ? [{ Key: first, ExpectedRevision: store.get(first)?.modRevision ?? 0 }]
          : [],
        OperationsOnSuccess: keys.map((key) =>
          op(["put", "put", "delete", "range"][random.below(4)] ?? "put", key),
        ),
        OperationsOnFailure: isGuarded ? [op("range", first)] : [],
      },
    };
  };

  while (operations.length < plan.operations) {
    time += 1000;
    if (asked < plan.operations && free.length > 0 && random.chance(0.6)) {
      const client = free.splice(random.below(free.length), 1)[0] ?? 0;
      asked += 1;
      busy.push({ client, input: ask(), call: time });
      continue;
    }
    const at = random.below(busy.length || 1);
    const each = busy[at];
    if (each === undefined) continue;
    if (each.output === undefined) {
      each.output = carryOut(each.input);
      continue;
    }
    busy.splice(at, 1);
    free.push(each.client);
    const isLost = random.below(1000) < plan.lostPerMille;
    operations.push({
      ClientId: each.client,
      Input: each.input,
      Call: each.call,
      Output: isLost ? { Error: "timed out" } : each.output,
      Return: time,
    });
  }
  const request = {
    Key: "",
    Revision: 1,
    WithPrefix: true,
    WithProgressNotify: true,
    WithPrevKV: true,
  };
  responses.push({ Events: null, IsProgressNotify: true, Revision: revision });
  return { operations, watch: { Request: request, Responses: responses } };
}

export function linesOf(records: readonly Json[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}
