import { ANY_BOOT, patch, type Mutant } from "./mutant.ts";

const KV_STATE = "src/store/kv-state.ts";
const TABLE = "src/store/operations/table.ts";
const APPEND_TESTS = ["test/store/operations/append.test.ts"];
const REQUEST_TESTS = ["test/replica/requests.test.ts"];
const GUESTS_STAY_OPEN = patch(
  "src/replica/relay/relay.ts",
  "    for (const guest of guests) guest.close();\n",
  "",
);

export const REQUESTS: readonly Mutant[] = [
  {
    name: "forwarded proposal applied twice",
    breaks: "a command that stands in the log twice takes effect twice",
    patches: [
      patch(
        KV_STATE,
        "    if (kept >= 0) {\n      if (session.isOfOther(kept, hash)) this.#outcome(BAD_REQUEST, this.#revision);\n      else this.#repeatAnswer(session, kept);\n      return false;\n    }\n",
        "    void kept;\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "floor ignored",
    breaks: "a command repeated after its answer was forgotten takes effect again",
    patches: [
      patch(
        KV_STATE,
        "    if (sequence < session.floor) {\n      this.#outcome(STALE_REQUEST, this.#revision);\n      return false;\n    }\n",
        "    if (sequence < session.floor) {\n      this.#execute();\n      return false;\n    }\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "answers not in the snapshot",
    breaks: "a node that starts from a snapshot carries out repeated commands",
    patches: [
      patch(
        "src/store/snapshots/frozen-state.ts",
        "session.forEachAnswer((sequence, answer) => answers.push([sequence, answer]));",
        "session.forEachAnswer((sequence, answer) => void [sequence, answer]);",
      ),
    ],
    by: "sim",
  },
  {
    name: "sessions not in the snapshot",
    breaks: "a node that starts from a snapshot knows no sessions",
    patches: [
      patch(
        "src/store/snapshots/frozen-state.ts",
        "    for (const session of this.#sessions) {",
        "    for (const session of []) {",
      ),
      patch(
        "src/store/snapshots/frozen-state.ts",
        "out.varint(this.#sessions.length);",
        "out.varint(0);",
      ),
    ],
    by: "sim",
  },
  {
    name: "sessions numbered one after the other",
    breaks: "a client can name the sessions of others, and act in their names",
    patches: [
      patch(
        "src/store/sessions/session-id.ts",
        "(digest.getUint32(0) >>> 12) * 2 ** 32 + digest.getUint32(4);",
        "idx * 4096 + position;",
      ),
    ],
    by: "sim",
  },
  {
    name: "answer to whatever comes under its number",
    breaks: "a write under a sequence number that was answered is answered as done, and is not",
    patches: [patch(KV_STATE, "if (session.isOfOther(kept, hash))", "if (hash < 0)")],
    by: "sim",
  },
  {
    name: "command hashes not in the snapshot",
    breaks:
      "a node that starts from a snapshot gives kept answers to other commands than its peers",
    patches: [
      patch(
        "src/store/snapshots/frozen-state.ts",
        "out.varint(commandHash);",
        "out.varint(0 * commandHash);",
      ),
    ],
    by: ["test/store/snapshot.test.ts", "test/store/kv-model.test.ts"],
  },
  {
    name: "kept answers without bound",
    breaks: "clients that never say what they have seen fill the memory of all nodes",
    patches: [
      patch(
        "src/store/sessions/session-table.ts",
        "if (this.#keptBytes <= this.#limits.keptBytesMax) return;",
        "if (this.#keptBytes >= 0) return;",
      ),
    ],
    by: ["test/store/sessions.test.ts", "test/store/kv-model.test.ts"],
  },
  {
    name: "new sessions expire those at work",
    breaks: "whoever opens sessions without using them ends those of others",
    patches: [
      patch(
        "src/store/sessions/session-table.ts",
        "this.#expire(this.#kins[KIN_FRESH]?.oldest ?? this.#all.oldest);",
        "this.#expire(this.#all.oldest);",
      ),
    ],
    by: ["test/store/sessions.test.ts", "test/store/kv-model.test.ts"],
  },
  {
    name: "unreadable proposal taken in",
    breaks: "what one faulty node proposes stands in all logs, though nobody can carry it out",
    patches: [
      patch(
        "src/replica/trust/admission.ts",
        "if (problem === null) {",
        "if (problem !== undefined) {",
      ),
    ],
    by: ["test/replica/admission.test.ts"],
  },
  {
    name: "unreadable entry not passed over",
    breaks:
      "an entry that cannot be read ends every node that applies it, and again after each restart",
    patches: [
      patch(
        KV_STATE,
        "if (isChecked || validateEntry(entry) === null) this.#apply",
        "if (isChecked || entry.length >= 0) this.#apply",
      ),
    ],
    by: ["test/store/commands.test.ts", "test/replica/admission.test.ts"],
  },
  {
    name: "ballot out of all bounds believed",
    breaks: "after one message of a faulty node no other can ever lead",
    patches: [
      patch(
        "src/replica/trust/admission.ts",
        "if (promise.n === 0) return false;",
        "if (promise.n >= 0) return false;",
      ),
    ],
    by: ["test/replica/admission.test.ts"],
  },
  {
    name: "batch known by its number alone",
    breaks: "an entry that only claims to be this node's answers its clients",
    patches: [
      patch(
        "src/replica/apply-decided.ts",
        "if (own === undefined || !isEntryOrItsOpening(entry, own))",
        "if (own === undefined)",
      ),
    ],
    by: ["test/replica/admission.test.ts"],
  },
  {
    name: "quota not kept to",
    breaks: "clients that write without end fill the memory of all nodes",
    patches: [
      patch(
        KV_STATE,
        "const room = this.rules.isFirstVersion ? Infinity : this.quotaBytes - this.contentBytes;",
        "const room = Infinity;",
      ),
    ],
    by: ["test/store/quota.test.ts"],
  },
  {
    name: "want of space forgotten",
    breaks:
      "a write that was refused for want of space takes effect later, when the log has it twice",
    patches: [
      patch(
        KV_STATE,
        "    answer.keep(session, sequence, hash);\n    return false;\n",
        "    if (answer.status !== NO_SPACE) answer.keep(session, sequence, hash);\n    return false;\n",
      ),
    ],
    by: ["test/store/quota.test.ts"],
  },
  {
    name: "append carried out at each repetition",
    breaks: "bytes that were appended once stand there twice when the command was sent again",
    patches: [
      patch(
        KV_STATE,
        "    if (kept >= 0) {\n      if (session.isOfOther",
        "    if (kept >= 0 && cursor.op !== OP.append) {\n      if (session.isOfOther",
      ),
    ],
    by: "sim",
  },
  {
    name: "append writes instead",
    breaks: "what the key held before is lost",
    patches: [patch(TABLE, "else key.put(found.value + command.value());", "else key.putValue();")],
    by: "sim",
  },
  {
    name: "append beside the quota",
    breaks: "clients that append without end fill the memory of all nodes",
    patches: [
      patch(
        KV_STATE,
        "    put: (value) => this.#put(value as ByteString, hashOfBytes(value as ByteString)),\n",
        "    put: (value) => {\n      const hash = hashOfBytes(value as ByteString);\n      this.#cells.put(this.#cursor, value as ByteString, hash, ++this.#revision);\n      this.#outcome(STATUS.ok, this.#revision);\n    },\n",
      ),
    ],
    by: APPEND_TESTS,
  },
  {
    name: "append looks at its own length only",
    breaks: "a value becomes longer than a value may be, and no snapshot of it can be read",
    patches: [
      patch(
        TABLE,
        "found.value.length + command.valueLength > VALUE_BYTES_MAX",
        "command.valueLength > VALUE_BYTES_MAX",
      ),
    ],
    by: APPEND_TESTS,
  },
  {
    name: "work of appends not counted",
    breaks: "a client keeps all nodes busy with a few bytes, and no leader is heard",
    patches: [
      patch(
        "src/replica/writes/rebuilds.ts",
        "this.#shares.take(asker.id, length);",
        "this.#shares.take(asker.id, cursor.valueLength);",
      ),
    ],
    by: ["test/replica/rebuilds.test.ts"],
  },
  {
    name: "one client's transactions may look at all that a node takes",
    breaks: "nobody else's transactions are carried out while one client asks for much",
    patches: [
      patch(
        "src/replica/requests/work-shares.ts",
        "return debtor.wasRefused ? 0 : Math.max(0, Math.floor((free - debtor.owed) / 2));",
        "return free;",
      ),
    ],
    by: ["test/replica/txn-work.test.ts"],
  },
  {
    name: "transactions are looked at for nobody",
    breaks: "who has every node look at much does not rest, and others wait for it",
    patches: [
      patch(
        "src/replica/writes/txn-work.ts",
        "    asker.load.workBytes += CELL_WORK_BYTES * charged;\n",
        "",
      ),
    ],
    by: ["test/replica/txn-work.test.ts"],
  },
  {
    name: "too long a value forgotten",
    breaks: "an append that was refused takes effect later, when the log has it twice",
    patches: [
      patch(
        KV_STATE,
        "    answer.keep(session, sequence, hash);\n    return false;\n",
        "    if (answer.status !== VALUE_TOO_LARGE) answer.keep(session, sequence, hash);\n    return false;\n",
      ),
    ],
    by: APPEND_TESTS,
  },
  {
    name: "new operation in an old entry",
    breaks: "programs of the version before pass over what others carry out, and differ from them",
    patches: [
      patch(
        "src/store/entries/entry.ts",
        "    if (own > rules) rules = own;",
        "    if (own < rules) rules = own;",
      ),
    ],
    by: APPEND_TESTS,
  },
  {
    name: "want of memory not heeded",
    breaks: "a node whose heap is nearly full takes more until its process ends",
    patches: [
      patch(
        "src/replica/writes/space.ts",
        'if (this.#level === "enough") return null;',
        'if (this.#level !== "critical" || this.#heapLimitBytes > 0) return null;',
      ),
    ],
    by: ["test/replica/space.test.ts"],
  },
  {
    name: "definite refusal of what may be proposed",
    breaks: "a write that was handed on is refused as if it had not been",
    patches: [patch("src/replica/turn/answer-outbox.ts", "    if (maybeProposed) return;\n", "")],
    by: "sim",
  },
  {
    name: "lost connection reported as refusal",
    breaks: "a client says of a write that was sent that it did not happen",
    patches: [
      patch(
        "src/client/core/client-core.ts",
        "    noteError(request, error, lane);\n    if (request.isWrite) request.maybeApplied = true;\n",
        "    noteError(request, error, lane);\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "session asked for once only",
    breaks: "a client whose request to open a session is lost waits until its time is up",
    patches: [
      patch(
        "src/client/core/client-core.ts",
        "        this.#clock.after(this.#attemptTimeoutMs, () => this.#onOpeningLate(lane)),",
        "        this.#clock.after(0, () => {}),",
      ),
    ],
    by: "sim",
  },
  {
    name: "what a neighbour has lost is forgotten",
    breaks: "a request given to a neighbour that is lost in that moment is never answered",
    patches: [
      patch(
        "src/replica/relay/relay.ts",
        "      if (isHeard(peer) && !isOverdue) continue;\n",
        "      if (isOverdue || !isOverdue) continue;\n",
      ),
    ],
    by: ["test/proof/simulator/relay.test.ts"],
  },
  {
    name: "two neighbours answer for one request",
    breaks: "a neighbour that was given up says that nothing was proposed, of a write that is",
    patches: [
      patch(
        "src/replica/relay/relay.ts",
        "      this.#drop(away);\n      this.#cannotServe.add(peer);\n",
        "      this.#awayOf.get(route.id)?.delete(peer);\n      this.#cannotServe.add(peer);\n",
      ),
    ],
    by: ["test/replica/relay.test.ts"],
  },
  {
    name: "retry under a new number",
    breaks: "a client that tries another node asks for a second write",
    patches: [
      patch(
        "src/client/core/client-core.ts",
        "    request.tried += 1;\n    request.attemptDeadline = 0;\n",
        "    request.tried += 1;\n    request.attemptDeadline = 0;\n    if (request.isWrite) {\n      this.#session.release(request);\n      request.number = 0;\n    }\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "relayed clients outlive their process",
    breaks:
      "what a client asked of a process that is no more is answered to a client of the next one",
    patches: [ANY_BOOT, GUESTS_STAY_OPEN],
    by: "sim",
  },
  {
    name: "answers to an earlier process are taken",
    breaks: "an answer that comes late is taken by a process that has not asked",
    patches: [ANY_BOOT],
    by: REQUEST_TESTS,
  },
  {
    name: "relayed clients outlive the session",
    breaks: "a neighbour answers clients whose session has ended",
    patches: [GUESTS_STAY_OPEN],
    by: REQUEST_TESTS,
  },
  {
    name: "when a session was used last is lost at a snapshot",
    breaks:
      "nodes that took over a snapshot let other sessions expire than the rest of the cluster",
    patches: [
      patch(
        "src/store/snapshot-decoder.ts",
        "new Session(id, tag, nonce, 0, lastUsedIdx)",
        "new Session(id, tag, nonce, 0, 0)",
      ),
    ],
    by: "sim",
  },
  {
    name: "a client that has gone stays at a neighbour",
    breaks: "a node that is cut off now and then keeps more and more clients in mind",
    patches: [
      patch("src/replica/relay/relay.ts", "        if (!route.isOpen()) this.#drop(away);\n", ""),
    ],
    by: "sim",
  },
  {
    name: "answers are lost now and then",
    breaks: "one request in eight takes a time-out of its client, who asks again",
    patches: [
      patch(
        "src/server/node/node.ts",
        "for (const { route, frame } of effects.answers) if (route.isOpen()) route.deliver(frame);",
        "for (const { route, frame } of effects.answers) if (route.isOpen() && Math.floor(this.#machine.clock.now()) % 8 !== 5) route.deliver(frame);",
      ),
    ],
    by: "sim",
  },
  {
    name: "leases are listed for nobody",
    breaks: "a kind of request that no other client of the simulator has is not answered",
    patches: [
      patch(
        "src/replica/turn/answer-reads.ts",
        '  else if ("leasesAfter" in wanted) answerLeases(answers, request, state.leases?.(wanted), state);\n',
        '  else if ("leasesAfter" in wanted) return;\n',
      ),
    ],
    by: "sim",
  },
];
