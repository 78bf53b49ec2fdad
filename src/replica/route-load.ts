/** What one client has under way at this node: waits for the log, for an index, or for the state to get there. */
export class RouteLoad {
  commands = 0;
  /** Of those commands. */
  bytes = 0;
  /** Keys asked for. */
  reads = 0;
  /** Of the frames that ask for them. */
  readBytes = 0;
}
