/** The management protocol: requests and answers of every operation, and what is not one. */
import fc from "fast-check";
import { FAULT_DELAY_MS_MAX } from "../../../src/base/index.ts";
import { describe, expect, test } from "vitest";
import { ERRORS, KvError, type ErrorCode } from "../../../src/base/errors.ts";
import {
  ADMIN_OPS,
  AdminRequestError,
  decodeAdminAnswer,
  decodeAdminRequest,
  encodeAdminError,
  encodeAdminRequest,
  encodeAdminResult,
  parseAdminResult,
  type AdminLink,
  type AdminParams,
  type AdminResult,
  type AdminStatus,
} from "../../../src/protocol/admin/admin.ts";
import { DecodeError } from "../../../src/protocol/codec/decode-error.ts";
import { encodeMsgpack } from "../../../src/protocol/codec/msgpack.ts";

const ballot = { configId: 1, n: 3, priority: 0, pid: 2 };
const link: AdminLink = {
  peer: 2,
  address: "127.0.0.1:7002",
  state: "down",
  reason: "connection refused",
  sinceMs: 12.5,
  roundTripMs: null,
  brokenIn: false,
  brokenOut: true,
  dropPermilleIn: 0,
  dropPermilleOut: 1000,
  delayMsIn: 0,
  delayMsOut: 0,
  bufferedBytes: 0,
  sessions: 3,
  messagesIn: 10,
  messagesOut: 11,
  droppedIn: 0,
  droppedOut: 4,
};
const status: AdminStatus = {
  nodeId: 1,
  clusterId: "lab",
  version: "0.1.0",
  uptimeMs: 1234.5,
  role: "leader",
  phase: "accept",
  leader: 1,
  ballot,
  promise: ballot,
  quorumConnected: true,
  happy: true,
  standing: "leading",
  decidedIdx: 10,
  acceptedIdx: 12,
  appliedIdx: 10,
  compactedIdx: 0,
  snapshotIdx: null,
  revision: 2 ** 40,
  keys: 8,
  sessions: 1,
  stateHash: "0123456789abcdef",
  clients: 2,
  waitingWriteBytes: 0,
  waitingReads: 0,
  links: [link],
  heartbeats: [{ peer: 2, ballot, leader: ballot, happy: false }],
  storage: {
    logBytes: 1000,
    segments: 1,
    syncs: 7,
    lastSyncMs: 0.13,
    snapshotBytes: null,
    isFull: false,
  },
  served: { commandsApplied: 2 ** 40, reads: 3, writeLatency: [1, ...Array<number>(39).fill(0)] },
  allowFaults: true,
  alarms: [
    { kind: "diverged", peer: 2, agreedIdx: null, differsIdx: 3, refuses: true },
    { kind: "joining", confirmed: [2], needed: 2 },
    { kind: "unreadableEntry", idx: 7, entries: 1 },
    { kind: "otherLog", peer: 3 },
    { kind: "noSpace", cause: "heap", usedBytes: 1, quotaBytes: 2 ** 30 },
  ],
};
const PARAMS: { readonly [Op in (typeof ADMIN_OPS)[number]]: AdminParams<Op> } = {
  getLinks: {},
  breakLink: { peer: 2, direction: "both" },
  restoreLink: { peer: 3, direction: "in" },
  setFault: { peer: 2, direction: "out", dropPermille: 300, delayMs: 20 },
  setFaults: { faults: [{ peer: 2, direction: "in", dropPermille: 1000, delayMs: 0 }] },
  heal: {},
  status: {},
  listKeys: { prefix: Buffer.from([0xff]), after: null, limit: 10 },
  setQuota: { bytes: 2 ** 30 },
  setHistory: { revisions: 1000, bytes: null },
  getHistory: {},
  getSettings: {},
  compact: { revision: 7 },
  beginBackup: {},
  readBackup: { backup: 1, piece: 0 },
  signIn: { user: "ann", password: "secret", token: null },
  whoami: {},
  getAccess: {},
  changeAccess: {
    change: { kind: "permit", role: "r", may: "both", start: Buffer.from("a"), end: null },
  },
};
const history = {
  ...{ revisions: null, bytes: 2 ** 20, revisionsMax: 50_000, bytesMax: 2 ** 20 },
  ...{ oldest: 5, revision: 9, keptBytes: 420 },
};
const RESULTS: { readonly [Op in (typeof ADMIN_OPS)[number]]: AdminResult<Op> } = {
  getLinks: { links: [link] },
  breakLink: { links: [link] },
  restoreLink: { links: [] },
  setFault: { links: [link] },
  setFaults: { links: [link] },
  heal: { links: [link] },
  status,
  listKeys: { keys: [Buffer.from("a"), Buffer.from([0xff, 0])], more: true },
  setQuota: {},
  setHistory: history,
  getHistory: history,
  getSettings: { quotaBytes: 2 ** 30, quotaIsSet: true, quotaDefault: 2 ** 20, history },
  compact: history,
  beginBackup: {
    ...{ backup: 1, clusterId: "c", nodeId: 2, version: "1.0.0" },
    ...{ appliedIdx: 7, revision: 5, keys: 3, stateHash: "0123456789abcdef" },
  },
  readBackup: { bytes: Buffer.from("OKVS"), last: false },
  signIn: { token: "t", lifetimeMs: 300_000 },
  whoami: {
    ...{ isOn: true, user: "ann", by: "password", roles: ["r"] },
    permissions: [{ may: "read", start: Buffer.from("a"), end: null }],
  },
  getAccess: {
    isOn: false,
    users: [{ name: "ann", hasPassword: true, roles: ["r"] }],
    roles: [
      { name: "r", permissions: [{ may: "read", start: Buffer.from("a"), end: Buffer.from("b") }] },
    ],
  },
  changeAccess: {},
};

describe("requests", () => {
  test.each(ADMIN_OPS)("%s arrives as it was sent", (op) => {
    const frame = encodeAdminRequest(7, op, PARAMS[op]);
    expect(decodeAdminRequest(frame)).toEqual({ id: 7, op, params: PARAMS[op] });
  });

  test("what is wrong is named, and the id is known when it could be read", () => {
    const cases: [unknown, number | null, RegExp][] = [
      [{ id: 1, op: "explode" }, 1, /^op: expected one of getLinks, .*, got "explode"$/],
      [{ id: 1, op: "toString" }, 1, /expected one of/],
      [{ id: 2, op: "breakLink", peer: 0, direction: "both" }, 2, /^breakLink\.peer: /],
      [
        { id: 3, op: "breakLink", peer: 2, direction: "up" },
        3,
        /^breakLink\.direction: expected one of "both", "in", "out", got "up"$/,
      ],
      [{ id: 4, op: "status", loud: true }, 4, /^status: there is no "loud"$/],
      [{ id: 4, op: "setQuota", bytes: "1" }, 4, /^setQuota.bytes: expected a number, got "1"$/],
      [{ id: 4, op: "setQuota", bytes: 5 }, 4, /^setQuota.bytes: expected \d+ or more, got 5$/],
      [{ id: 4, op: "compact" }, 4, /^compact.revision: expected a number, got nothing$/],
      [
        { id: 5, op: "setFault", ...PARAMS.setFault, dropPermille: 1001 },
        5,
        /^setFault.dropPermille: expected at most 1000, got 1001$/,
      ],
      [{ id: 6, op: "setFault", ...PARAMS.setFault, delayMs: FAULT_DELAY_MS_MAX + 1 }, 6, /delay/],
      [
        { id: 7, op: "signIn", user: "ann", password: "secret".repeat(400), token: null },
        7,
        /^signIn.password: expected at most \d+ characters, got 2400$/,
      ],
      [{ id: -1, op: "status" }, null, /^request\.id: /],
      [{ op: "status" }, null, /^request\.id: /],
      [[1, 2], null, /^request: /],
      [null, null, /^request: /],
    ];
    for (const [value, id, message] of cases) {
      let thrown: unknown = null;
      try {
        decodeAdminRequest(encodeMsgpack(value));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(AdminRequestError);
      expect(thrown).toMatchObject({ id, message: expect.stringMatching(message) as string });
    }
  });
});

describe("answers", () => {
  test.each(ADMIN_OPS)("the result of %s arrives as it was given", (op) => {
    const answer = decodeAdminAnswer(encodeAdminResult(3, op, RESULTS[op]));
    expect(answer).toMatchObject({ id: 3, ok: true });
    expect(parseAdminResult(op, answer.ok ? answer.result : null)).toEqual(RESULTS[op]);
  });

  test("every error arrives with its code and what it says of the outcome", () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const error = new KvError(code, "because");
      const answer = decodeAdminAnswer(encodeAdminError(9, error));
      expect(answer.ok ? null : answer.error).toMatchObject({
        code,
        message: "because",
        definite: error.definite,
        retryable: error.retryable,
      });
    }
  });

  test("a code of a later version is INTERNAL, and nothing definite is made up", () => {
    const error = { code: "BRAND_NEW", message: "m", definite: false, retryable: true };
    const answer = decodeAdminAnswer(encodeMsgpack({ id: 1, ok: false, error }));
    expect(answer.ok ? null : answer.error).toMatchObject({ code: "INTERNAL", definite: false });
  });

  test("what a later version has to say as well is left out, and its alarms are alarms", () => {
    const later = {
      ...status,
      phaseOfTheMoon: "full",
      links: [{ ...link, colour: "blue" }],
      alarms: [
        { kind: "diskFull", cause: "space", sinceMs: 3 },
        { kind: "diskFull", cause: "quota of the file system" },
        { kind: "onFire", where: 7 },
      ],
    };
    expect(parseAdminResult("status", later)).toEqual({
      ...status,
      links: [link],
      alarms: [
        { kind: "diskFull", cause: "space" },
        { kind: "unknown", name: "diskFull" },
        { kind: "unknown", name: "onFire" },
      ],
    });
    const answer = decodeAdminAnswer(encodeMsgpack({ id: 1, ok: true, result: {}, seq: 4 }));
    expect(answer).toEqual({ id: 1, ok: true, result: {} });
    expect(() => parseAdminResult("status", { ...status, alarms: [{}] })).toThrow(DecodeError);
  });

  test("a result of another shape is refused, with the place", () => {
    const wrong = { ...status, links: [{ ...link, state: "maybe" }] };
    expect(() => parseAdminResult("status", wrong)).toThrow(/^status\.links\.0\.state: /);
    expect(() => parseAdminResult("heal", null)).toThrow(DecodeError);
  });
});

test("whatever the bytes, decoding ends in a message or a DecodeError", () => {
  const frames = [
    encodeAdminRequest(1, "setFault", PARAMS.setFault),
    encodeAdminResult(1, "status", status),
    encodeAdminError(1, new KvError("FORBIDDEN", "no")),
  ];
  const changed = fc
    .tuple(
      fc.constantFrom(...frames),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      fc.option(fc.nat()),
    )
    .map(([frame, changes, cut]) => {
      const copy = frame.slice();
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return cut === null ? copy : copy.subarray(0, cut % copy.length);
    });
  const decoders = [
    decodeAdminRequest,
    (bytes: Uint8Array): void => {
      const answer = decodeAdminAnswer(bytes);
      if (answer.ok) parseAdminResult("status", answer.result);
    },
  ];
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), changed), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
