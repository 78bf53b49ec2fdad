/** What one client has under way at this node: waits for the log, for an index, or for the state to get there. */
export class RouteLoad {
  commands = 0;
  /** How many bytes those commands have. */
  bytes = 0;
  /** Keys asked for. */
  reads = 0;
  /** How many bytes the frames have that ask for them. */
  readBytes = 0;
  /** Answers that have not left. */
  hasAnswers = false;
  /**
   * The work of answering, beside the bytes that were delivered: in bytes that might have been written instead. It only grows
   * here; the scheduler of turns subtracts it.
   */
  workBytes = 0;
}
