/** What a client asked and saw. Times are of one clock, in any unit; only their order matters. */
export interface Operation<Input, Output> {
  /** Position in the history: names the operation in results. */
  readonly id: number;
  /** Who did it; shown, and used for session guarantees. */
  readonly process: string;
  readonly input: Input;
  /** Null: the outcome is unknown; it may take effect at any time after the call, or never. */
  readonly output: Output | null;
  readonly call: number;
  /** Infinity when the outcome is unknown. Intervals are closed: what ends when another begins may be ordered either way. */
  readonly return: number;
}

/** A sequential specification. States are immutable; `step` of equal states and operations gives equal states. */
export interface Model<State, Input, Output> {
  readonly name: string;
  readonly init: State;
  /** Two states are the same when their keys are. */
  stateKey(state: State): string | number;
  /** The state afterwards, or undefined when the output is impossible in `state`. Output null: whatever happens, it fits. */
  step(state: State, input: Input, output: Output | null): State | undefined;
  /** Operations of different parts do not influence each other. */
  partOf(input: Input): string;
  /** Whether the operation can only observe: then a history without it is no less consistent. */
  isObserver(input: Input, output: Output | null): boolean;
  /** In words, with what was observed. */
  describe(input: Input, output: Output | null): string;
}
