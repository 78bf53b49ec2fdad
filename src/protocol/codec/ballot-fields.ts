/** Ballots as messages and the log write them; apart from the other structures of the protocol, as clients load these too. */
import { BALLOT_N_MAX, type ByteReader } from "../../base/index.ts";
import type { Ballot } from "../../omnipaxos/index.ts";
import { INDEX, integer, structure, type Kind } from "./fields.ts";

const ballotOf = (number: Kind<number>, quick?: Pick<Kind<Ballot>, "read" | "write">) =>
  structure<Ballot>(
    (f) => ({
      configId: f.varint(),
      n: f.take(number),
      priority: f.varint(),
      pid: f.varint(),
    }),
    quick,
  );

// By hand, as the messages of a batch have little else in them: the loop over the fields costs more than what it writes.
export const BALLOT = ballotOf(integer(0, BALLOT_N_MAX), {
  write: (out, { configId, n, priority, pid }) => {
    out.varint(configId);
    out.varint(n);
    out.varint(priority);
    out.varint(pid);
  },
  read: (from) => ({
    configId: from.varint(),
    n: ballotNumber(from),
    priority: from.varint(),
    pid: from.varint(),
  }),
});

function ballotNumber(from: ByteReader): number {
  const n = from.varint();
  return n <= BALLOT_N_MAX ? n : from.fail(`a ballot number of at most ${BALLOT_N_MAX}`);
}

/** As the log has it. */
export const ANY_BALLOT = ballotOf(INDEX);
