/** A neighbour's client: whoever serves it goes by what its node says of who it is. */
import { expect, test, vi } from "vitest";
import {
  byteStringOfText,
  GroupWriter,
  KvState,
  NO_SESSION,
  SECRET_HOLDER,
  type AccessChange,
  type Actor,
} from "../../src/store/index.ts";
import { innerRoute } from "../../src/replica/requests/inner-route.ts";
import type { PendingRead } from "../../src/replica/turn/apply-wait-queue.ts";
import { Relay } from "../../src/replica/relay/relay.ts";
import type { Route } from "../../src/replica/requests/route.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { ReplicaOptions } from "../../src/replica/turn/replica-options.ts";
import {
  decodeAnswers,
  decodeClientFrame,
  ReadsWriter,
  writesFrame,
  type AnswerHandler,
} from "../../src/protocol/client/client.ts";
import type { Command } from "../../src/store/operations/index.ts";
import type { ReplicaMessage } from "../../src/protocol/messages/replica-message.ts";
import { bytes } from "../store/helpers.ts";
import { deliver } from "./deliver.ts";
import { replicaOptions } from "./options.ts";

const PEER = 9;
const ANN: Actor = { name: "ann", generation: 0 };
const CHANGES: readonly AccessChange[] = [
  { kind: "addUser", user: "root", passwordHash: "h" },
  { kind: "grantRole", user: "root", role: "root" },
  { kind: "addUser", user: "ann", passwordHash: "h" },
  { kind: "addRole", role: "r" },
  {
    kind: "permit",
    role: "r",
    may: "read",
    start: byteStringOfText("a"),
    end: byteStringOfText("b"),
  },
  { kind: "grantRole", user: "ann", role: "r" },
  { kind: "turnOn", tokenKey: "k" },
];

function leader(options: Partial<ReplicaOptions> = {}): Replica {
  const replica = new Replica(
    { ...replicaOptions([1], { pid: 1, incarnation: 7 }), ...options },
    undefined,
    new KvState(),
  );
  while (replica.standing().kind !== "leading") tick(replica);
  replica.onSession(PEER);
  return replica;
}

/** Access control is on. */
function withUsers(options: Partial<ReplicaOptions> = {}): Replica {
  const replica = leader(options);
  for (const change of CHANGES) {
    let error: unknown = "not done";
    replica.settings.changeAccess(change, SECRET_HOLDER, (result) => (error = result));
    for (let i = 0; i < 3; i++) tick(replica);
    expect(error).toBeNull();
  }
  return replica;
}

/** Writes are durable at once. */
function tick(replica: Replica): readonly ReplicaMessage[] {
  replica.onTick();
  const { replicaMessages, writes } = deliver(replica.endTurn(0));
  for (const { seq } of writes) replica.onPersisted(seq);
  return replicaMessages.map(({ message }) => message);
}

function readFrame(key: string): Uint8Array {
  const writer = new ReadsWriter();
  writer.read(1, bytes(key));
  return writer.take(false, 0);
}

function toldOf(frame: Uint8Array): string {
  const told: string[] = [];
  const ignore = (): void => {};
  decodeAnswers(frame, {
    ...{ appliedIdx: ignore, write: ignore, opened: ignore, value: ignore },
    refused: (_session, _first, _count, code) => told.push(code),
    missing: () => told.push("missing"),
    unread: (_, code) => told.push(code),
  });
  return told.join();
}

test.each<[string, Actor | null, string]>([
  ["a", ANN, "missing"],
  ["b", ANN, "FORBIDDEN"],
  ["a", null, "UNAUTHENTICATED"],
  ["b", SECRET_HOLDER, "missing"],
])("a read of %s by %j", (key, actor, told) => {
  const replica = withUsers();
  const name = { type: "relayRequest", boot: 8, id: 3 } as const;
  const relayed = { frame: readFrame(key), ageTicks: 0, maybeProposed: false, actor };
  replica.onPeerMessage(PEER, { ...name, ...relayed });
  const messages = [tick(replica), tick(replica)].flat();
  const answer = messages.find((message) => message.type === "relayAnswer");
  expect(answer === undefined ? "no answer" : toldOf(answer.frame)).toBe(told);
});

test.each<[Actor | null, string]>([
  [ANN, "UNAUTHENTICATED"],
  [null, "UNAUTHENTICATED"],
  [SECRET_HOLDER, "missing"],
])("a neighbour that has not heard that access control is off sends %j", (actor, told) => {
  const replica = withUsers({ needsSecret: () => true });
  replica.settings.changeAccess({ kind: "turnOff" }, SECRET_HOLDER, () => {});
  for (let i = 0; i < 3; i++) tick(replica);
  const { acceptedIdx } = replica.core;
  const name = { type: "relayRequest", boot: 8, id: 3 } as const;
  const writer = new GroupWriter();
  writer.add(0, { kind: "openSession", nonce: new Uint8Array(16).fill(7) });
  const frames = [writesFrame(writer.take(NO_SESSION, 0)), readFrame("b")];
  for (const frame of frames) {
    const relayed = { frame, ageTicks: 0, maybeProposed: false, actor };
    replica.onPeerMessage(PEER, { ...name, ...relayed });
  }
  const messages = [tick(replica), tick(replica)].flat();
  const answers = messages.flatMap((each) => (each.type === "relayAnswer" ? [each.frame] : []));
  expect(answers.map(toldOf)).toContainEqual(expect.stringContaining(told));
  expect(replica.core.acceptedIdx > acceptedIdx).toBe(told === "missing");
});

test("a client that owes the secret may do nothing once access control is off, whoever it is", () => {
  for (const actor of [ANN, null]) {
    const replica = withUsers();
    const client = new Client(replica, actor, true);
    replica.settings.changeAccess({ kind: "turnOff" }, SECRET_HOLDER, () => {});
    for (let i = 0; i < 3; i++) tick(replica);
    const { acceptedIdx } = replica.core;
    expect(client.write(0, "", 0)).toBe("UNAUTHENTICATED");
    expect(client.readAhead("a")).toMatch(/^UNAUTHENTICATED access control is off/);
    expect(replica.core.acceptedIdx).toBe(acceptedIdx);
  }
});

test("what is handed to a neighbour says who asks", () => {
  const sent: ReplicaMessage[] = [];
  const relay = new Relay({
    boot: 1,
    send: (_, message) => sent.push(message),
    answer: () => {},
    nextRouteId: () => 5,
    onSettled: () => {},
    replica: { timing: { waitTicks: 100 } },
  });
  const route = innerRoute(
    4,
    ANN,
    () => true,
    () => {},
  );
  const read: PendingRead = {
    route,
    frame: readFrame("a"),
    local: false,
    arrivedTick: 0,
    count: 1,
  };
  relay.passReads(PEER, [read], 0);
  expect(sent).toMatchObject([{ type: "relayRequest", actor: ANN }]);
});

test("what a neighbour loses is handed to the next one with who asks, as its connection says then", () => {
  const sent: ReplicaMessage[] = [];
  const relay = new Relay({
    boot: 1,
    send: (_, message) => sent.push(message),
    answer: () => {},
    nextRouteId: () => 5 + sent.length,
    onSettled: () => {},
    replica: { timing: { waitTicks: 100 } },
  });
  let actor = ANN;
  const route: Route = {
    ...innerRoute(
      4,
      ANN,
      () => true,
      () => {},
    ),
    get actor() {
      return actor;
    },
  };
  const read: PendingRead = {
    ...{ route, frame: readFrame("a"), local: false, arrivedTick: 0, count: 1 },
  };
  const writer = new GroupWriter();
  writer.add(1, { kind: "write", key: bytes("a"), value: bytes("v") });
  const group = { route, group: writer.take(7, 0), commands: 1, maybeProposed: true, once: false };
  relay.passReads(PEER, [read], 0);
  relay.passWrites(PEER, [{ ...group, stagedTick: 0 }], () => 0);
  actor = { ...ANN, generation: 9 };
  const back = relay.tick(() => false);
  expect(back.map(({ kind }) => kind)).toEqual(["reads", "writes"]);
  for (const lent of back) {
    if (lent.kind === "reads") relay.passReads(PEER + 1, [lent.read], 1);
    else relay.passWrites(PEER + 1, [lent.group], () => 1);
  }
  const told = sent.map((message) => (message.type === "relayRequest" ? message.actor : null));
  expect(told).toEqual([ANN, ANN, actor, actor]);
});

/** What the client of a leader is told of its writes, and of its reads. */
class Client {
  readonly told: string[] = [];
  session = 0;
  readonly #replica: Replica;
  readonly #route: Route;

  constructor(replica: Replica, actor: Actor | null, onlyWhileOn = false) {
    this.#replica = replica;
    const ignore = (): void => {};
    const deliver = (frame: Uint8Array): void =>
      decodeAnswers(frame, {
        ...{ appliedIdx: ignore, value: ignore },
        missing: () => this.told.push("missing"),
        unread: (_, code, text) => this.told.push(`${code} ${text}`),
        opened: (_sequence, _nonce, session) => (this.session = session),
        write: (_session, _sequence, status) => this.told.push(`status ${status}`),
        refused: (_session, _first, _count, code) => this.told.push(code),
      });
    const inner = innerRoute(20 + replica.newRouteId(), actor, () => true, deliver);
    this.#route = { ...inner, onlyWhileOn, relayed: false };
  }

  write(sequence: number, key: string, session: number): string | undefined {
    const command: Command =
      session === 0
        ? { kind: "openSession", nonce: new Uint8Array(16).fill(7) }
        : { kind: "write", key: bytes(key), value: bytes("v") };
    const writer = new GroupWriter();
    writer.add(sequence, command);
    this.#replica.onWrites(this.#route, writer.take(session, 0), 1);
    for (let i = 0; i < 3; i++) tick(this.#replica);
    return this.told.at(-1);
  }

  /** @returns the id of the lease */
  lease(session: number): number {
    this.#send([{ kind: "leaseGrant", ttl: 60_000, lease: 77 }], 1, session);
    return 77;
  }

  revoke(lease: number, times: number, session: number): void {
    const revokes = Array.from({ length: times }, () => ({ kind: "leaseRevoke", lease }) as const);
    this.#send(revokes, 2, session);
  }

  #send(commands: readonly Command[], first: number, session: number): void {
    const writer = new GroupWriter();
    commands.forEach((command, i) => writer.add(first + i, command));
    this.#replica.onWrites(this.#route, writer.take(session, 0), commands.length);
    for (let i = 0; i < 3; i++) tick(this.#replica);
  }

  readAhead(key: string): string | undefined {
    const writer = new ReadsWriter();
    writer.read(1, bytes(key));
    const frame = writer.take(true, 0);
    const decoded = decodeClientFrame(frame);
    if (decoded.kind !== "reads") throw new Error("reads");
    this.#replica.onReads(this.#route, frame, { ...decoded, atLeast: 1_000_000 });
    for (let i = 0; i < 310; i++) tick(this.#replica);
    return this.told.at(-1);
  }
}

function secured(replica: Replica, ...more: readonly AccessChange[]): void {
  for (const change of [...CHANGES, ...more]) {
    let error: unknown = "not done";
    replica.settings.changeAccess(change, SECRET_HOLDER, (result) => (error = result));
    for (let i = 0; i < 3; i++) tick(replica);
    expect(error).toBeNull();
  }
}

const RANGE = { role: "r", start: byteStringOfText("a"), end: byteStringOfText("b") } as const;

test("a repetition of what took effect is told so, also when its right was withdrawn meanwhile", () => {
  const replica = leader();
  secured(replica, { kind: "permit", may: "both", ...RANGE });
  const ann = new Client(replica, ANN);
  ann.write(0, "", 0);
  const { session } = ann;
  expect(ann.write(1, "a", session)).toBe("status 0");
  replica.settings.changeAccess({ kind: "forbid", ...RANGE }, SECRET_HOLDER, () => {});
  for (let i = 0; i < 3; i++) tick(replica);
  expect(ann.write(1, "a", session)).toBe("status 0");
  const { acceptedIdx } = replica.core;
  expect(ann.write(2, "a", session)).toBe("FORBIDDEN");
  const nobody = new Client(replica, null);
  expect(nobody.write(1, "a", session)).toBe("status 0");
  expect(nobody.write(2, "a", session)).toBe("UNAUTHENTICATED");
  // What is refused here takes no place in the log.
  expect(replica.core.acceptedIdx).toBe(acceptedIdx + 1);
});

test("whether a user may revoke a lease is found out only as often as the user may have its keys looked at", () => {
  const replica = leader();
  secured(replica, { kind: "permit", may: "both", ...RANGE });
  const ann = new Client(replica, ANN);
  ann.write(0, "", 0);
  const lease = ann.lease(ann.session);
  const { leases } = replica.state;
  for (let i = 0; i < 4000; i++) leases.bind(lease, byteStringOfText(`a${i}`), 0);
  const looks = vi.spyOn(leases, "areAll");
  ann.revoke(lease, 1000, ann.session);
  expect(looks.mock.calls.length).toBeLessThan(10);
  expect(ann.told.filter((told) => told === "OVERLOADED").length).toBeGreaterThan(0);
});

test("how far a node has come is told to who may read what was asked for", () => {
  const replica = leader();
  secured(replica);
  expect(new Client(replica, ANN).readAhead("a")).toMatch(/^REVISION_AHEAD .* the newest one is 0/);
  expect(new Client(replica, ANN).readAhead("c")).toMatch(/^FORBIDDEN (?!.*newest)/);
  expect(new Client(replica, null).readAhead("a")).toMatch(/^UNAUTHENTICATED (?!.*newest)/);
});

test("peers that have not signed in use up nothing of what clients may open", () => {
  const replica = withUsers();
  const told: string[] = [];
  const ignore = (): void => {};
  const handler: AnswerHandler = {
    ...{ appliedIdx: ignore, write: ignore, value: ignore, missing: ignore, unread: ignore },
    opened: () => told.push("opened"),
    refused: (_session, _first, _count, code) => told.push(code),
  };
  const opens = (actor: Actor | null): void => {
    const route: Route = innerRoute(
      replica.newRouteId(),
      actor,
      () => true,
      (frame) => decodeAnswers(frame, handler),
    );
    for (let frame = 0; frame < 4; frame++) {
      const writer = new GroupWriter();
      for (let i = 0; i < 4; i++) {
        writer.add(i, { kind: "openSession", nonce: new Uint8Array(16).fill(route.id) });
      }
      replica.onWrites(route, writer.take(NO_SESSION, 0), 4);
    }
    for (let i = 0; i < 3; i++) tick(replica);
  };
  // More than the thousand sessions that a node lets be opened at once.
  for (let peer = 0; peer < 100; peer++) opens(null);
  expect(new Set(told)).toEqual(new Set(["UNAUTHENTICATED"]));
  told.length = 0;
  opens(SECRET_HOLDER);
  expect(told).toEqual(Array.from({ length: 16 }, () => "opened"));
});
