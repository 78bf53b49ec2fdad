/** Tells subscribers in this process, and costs next to nothing without them. */
export interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  /** A subscriber that throws does so in a turn of its own, not in this call. */
  publish(message: unknown): void;
}
