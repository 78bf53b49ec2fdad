import { ANY_BOOT, patch, type Mutant } from "./mutant.ts";

const KV_STATE = "src/kv/kv-state.ts";
const REQUEST_TESTS = ["test/replica/requests.test.ts"];
const GUESTS_STAY_OPEN = patch(
  "src/replica/relay.ts",
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
        "    if (answered !== 0) {\n      this.#repeatAnswer(session, answered);\n      return false;\n    }\n",
        "    void answered;\n",
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
        "src/kv/frozen-state.ts",
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
        "src/kv/frozen-state.ts",
        "    for (const session of this.#sessions) {",
        "    for (const session of []) {",
      ),
      patch("src/kv/frozen-state.ts", "out.varint(this.#sessions.length);", "out.varint(0);"),
    ],
    by: "sim",
  },
  {
    name: "definite refusal of what may be proposed",
    breaks: "a write that was handed on is refused as if it had not been",
    patches: [patch("src/replica/answer-desk.ts", "    if (maybeProposed) return;\n", "")],
    by: "sim",
  },
  {
    name: "lost connection reported as refusal",
    breaks: "a client says of a write that was sent that it did not happen",
    patches: [
      patch(
        "src/client/client-core.ts",
        "    request.lastError = error;\n    if (request.isWrite) request.maybeApplied = true;\n",
        "    request.lastError = error;\n",
      ),
    ],
    by: "sim",
  },
  {
    name: "session asked for once only",
    breaks: "a client whose request to open a session is lost waits until its time is up",
    patches: [
      patch(
        "src/client/client-core.ts",
        "        this.#clock.after(this.#attemptTimeoutMs, () => this.#onOpeningLate(lane)),",
        "        this.#clock.after(0, () => {}),",
      ),
    ],
    by: "sim",
  },
  {
    name: "relay over a link that is down",
    breaks: "a cut-off node hands its clients' frames to a peer that cannot get them",
    patches: [
      patch(
        "src/replica/replica.ts",
        "this.#relay.pick(heard.filter((node) => this.#connected.has(node)))",
        "this.#relay.pick(heard)",
      ),
    ],
    by: ["test/sim/relay.test.ts"],
  },
  {
    name: "retry under a new number",
    breaks: "a client that tries another node asks for a second write",
    patches: [
      patch(
        "src/client/client-core.ts",
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
    explore: "--replay test/explore/traces/somebody-elses-session.json",
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
];
