/** What a correct store would do, in the form that the search needs. */
import type { Operation } from "./operation.ts";

/** From this state the operation cannot have been answered as it was. */
export const REJECTED = -1;

/**
 * The states of one model for one list of operations, numbered as they are met. Operations are named by their position
 * in that list.
 */
export interface Machine {
  readonly initial: number;
  /**
   * @returns the state after the operation, or REJECTED. An operation of unknown outcome that would change nothing
   * gives back the same state.
   */
  step(state: number, position: number): number;
  /** True only if the operation leaves every state as it is that accepts it. */
  isObserver(position: number): boolean;
  /**
   * May be true only if no read of the same group can be explained any more until an operation for which `isReset` holds.
   * @param position the operation that led to the state
   */
  isDoomed(state: number, position: number): boolean;
  /** From this operation on reads of its group can be explained again: see `isDoomed`. */
  isReset(position: number): boolean;
  /**
   * May be true only if the operation is always accepted and leaves a state that no completed operation of the group can
   * tell from any other, but for those for which `overwrites` holds, and these lead to the same state from all.
   */
  isUnseen(position: number): boolean;
  /** May be true only if the operation is always accepted and always leads to the same state. */
  overwrites(position: number): boolean;
  /** Operations of different groups do not touch each other. */
  group(position: number): number;
  /** The part of the state that a group sees. */
  component(state: number, group: number): number;
  /**
   * The component that the operation must find; null: not only one would do. For an operation of unknown outcome: that it
   * must find because it must have taken effect.
   */
  need(position: number): number | null;
  /** All components that the operation may turn others into; null: not known. */
  outcomes(position: number): readonly number[] | null;
  /** The same only for operations that do the same, and are accepted or not, in every state. */
  signature(position: number): string;
  /** For people. */
  describe(state: number): string;
}

/** What a correct store would do: by it histories are judged. */
export interface Model {
  readonly name: string;
  /** One line, for people. */
  readonly title: string;
  /** Why the model cannot judge this operation; null: it can. */
  refuses(operation: Operation): string | null;
  /** Revisions in answers are those of one store, which counts its writes: writes took effect in their order. */
  readonly ordersByRevision: boolean;
  /** All of one key. */
  prepare(operations: readonly Operation[]): Machine;
}

/** A model as `defineModel` takes it: states are plain values. */
export interface ModelDefinition<State> {
  readonly name: string;
  readonly title?: string;
  readonly initial: State;
  /** The next state; undefined when the operation cannot have been answered as it was. */
  readonly step: (state: State, operation: Operation) => State | undefined;
  /** Equal for equal states only. Default: JSON.stringify. */
  readonly key?: (state: State) => string;
  /** See Machine.isObserver. Default: never; a model is checked faster with it. */
  readonly isObserver?: (operation: Operation) => boolean;
  /** A state in words, for explanations. Default: as `key`. */
  readonly describe?: (state: State) => string;
}

/** A model of one's own. States must not be changed in place. */
export function defineModel<State>(definition: ModelDefinition<State>): Model {
  return {
    name: definition.name,
    title: definition.title ?? definition.name,
    ordersByRevision: false,
    refuses: () => null,
    prepare: (operations) => new DefinedMachine(definition, operations),
  };
}

class DefinedMachine<State> implements Machine {
  readonly initial: number;
  readonly #definition: ModelDefinition<State>;
  readonly #operations: readonly Operation[];
  readonly #states: State[] = [];
  readonly #ids = new Map<string, number>();
  readonly #steps = new Map<number, number>();

  constructor(definition: ModelDefinition<State>, operations: readonly Operation[]) {
    this.#definition = definition;
    this.#operations = operations;
    this.initial = this.#intern(definition.initial);
  }

  step(state: number, position: number): number {
    const edge = state * this.#operations.length + position;
    const known = this.#steps.get(edge);
    if (known !== undefined) return known;
    const operation = this.#operations[position] as Operation;
    const next = this.#definition.step(this.#states[state] as State, operation);
    const id = next === undefined ? REJECTED : this.#intern(next);
    this.#steps.set(edge, id);
    return id;
  }

  isObserver(position: number): boolean {
    return this.#definition.isObserver?.(this.#operations[position] as Operation) ?? false;
  }

  isDoomed(): boolean {
    return false;
  }

  isReset(): boolean {
    return true;
  }

  isUnseen(): boolean {
    return false;
  }

  overwrites(): boolean {
    return false;
  }

  group(): number {
    return 0;
  }

  component(state: number): number {
    return state;
  }

  need(): null {
    return null;
  }

  outcomes(): null {
    return null;
  }

  signature(position: number): string {
    const { key, request, answer } = this.#operations[position] as Operation;
    return JSON.stringify([key, request, answer]);
  }

  describe(state: number): string {
    const value = this.#states[state] as State;
    return this.#definition.describe?.(value) ?? this.#key(value);
  }

  #key(state: State): string {
    return this.#definition.key?.(state) ?? JSON.stringify(state);
  }

  #intern(state: State): number {
    const key = this.#key(state);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#states.length;
      this.#ids.set(key, id);
      this.#states.push(state);
    }
    return id;
  }
}
