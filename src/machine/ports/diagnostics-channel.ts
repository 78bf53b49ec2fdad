/** Tells whoever looks on in this process, and costs next to nothing where nobody does. */
export interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  /** A subscriber that throws does so in a turn of its own, not in this call. */
  publish(message: unknown): void;
}
