/**
 * How records are laid out in bytes. A function that reads a record also describes it, as for a structure (fields.ts): run once
 * on a source that only notes the requests, it gives the list of the fields, by which the writer writes them.
 */
import { assert, type ByteReader, type ByteWriter } from "../../base/index.ts";

/**
 * @typeParam W the form that the writer takes, if it is another one than the reader gives: the sender may hold an array of bytes
 *   where the receiver keeps a byte string, or the other way round
 */
export interface Layout<T, W = T> {
  write(out: ByteWriter, value: W): void;
  /** A value that is not allowed makes the reader fail, and the result meaningless. */
  read(from: ByteReader): T;
}

/** Gives the fields of a record, one after the other. */
export interface RecordSource {
  varint(): number;
  take<T>(layout: Layout<T, never>): T;
}

/** The layouts in it must be made beforehand, once, and not for every record read. Properties that are no field are not written. */
export function record<T extends object, W = T>(shape: (from: RecordSource) => T): Layout<T, W> {
  const fields = fieldsOf<Layout<unknown>>(shape, VARINT);
  return {
    write: (out, value) => {
      for (const { name, kind } of fields) kind.write(out, (value as Values)[name]);
    },
    read: shape,
  };
}

/** @param what is expected, for the error */
export function listOf<T, W = T>(
  item: Layout<T, W>,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  what = `a list of ${min} to ${max}`,
): Layout<readonly T[], readonly W[]> {
  return {
    write: (out, values) => {
      out.varint(values.length);
      for (const value of values) item.write(out, value);
    },
    read: (from) => {
      const count = from.varint();
      if (count < min || count > max) from.fail(what);
      const values: T[] = [];
      for (let i = 0; i < count && !from.failed; i++) values.push(item.read(from));
      return values;
    },
  };
}

/**
 * Switches in one byte. What is read is the same object for the same byte, so that none is made for every frame.
 *
 * @param what they belong to, for the error
 */
export function flags<N extends string>(
  bits: Readonly<Record<N, number>>,
  what: string,
): Layout<Readonly<Record<N, boolean>>> {
  const names = Object.entries<number>(bits);
  const all = names.reduce((sum, [, bit]) => sum | bit, 0);
  const valueOf = (byte: number): Readonly<Record<N, boolean>> => {
    const switches = names.map(([name, bit]) => [name, (byte & bit) !== 0] as const);
    return Object.freeze(Object.fromEntries(switches) as Record<N, boolean>);
  };
  const none = valueOf(0);
  const values = Array.from({ length: all + 1 }, (_, byte) => valueOf(byte));
  return {
    write: (out, value) => {
      let byte = 0;
      for (const [name, bit] of names) if (value[name as N]) byte |= bit;
      out.u8(byte);
    },
    read: (from) => {
      const byte = from.u8();
      if ((byte & ~all) !== 0) from.fail(`known flags of ${what}`);
      return values[byte] ?? none;
    },
  };
}

/** Any integer. */
const VARINT: Layout<number> = {
  write: (out, value) => out.varint(value),
  read: (from) => from.varint(),
};

type Values = Readonly<Record<string, unknown>>;

interface Field<K> {
  readonly name: string;
  readonly kind: K;
}

/** Stands for the value of a field when the fields are only noted. */
class Mark<K> {
  readonly kind: K;
  constructor(kind: K) {
    this.kind = kind;
  }
}

/** Notes the fields that are requested. It hands out one placeholder for values of every type. */
export interface Noting<K> {
  varint(): number;
  take(kind: K): never;
}

/** @param varint the kind of what is asked for by that name */
export function fieldsOf<K>(shape: (from: Noting<K>) => object, varint: K): readonly Field<K>[] {
  const taken: Mark<K>[] = [];
  const take = (kind: K): never => {
    const mark = new Mark(kind);
    taken.push(mark);
    return mark as never;
  };
  const marks = Object.entries(shape({ take, varint: () => take(varint) })).filter(
    (entry): entry is [string, Mark<K>] => entry[1] instanceof Mark,
  );
  assert(
    marks.length === taken.length && marks.every(([, mark], i) => mark === taken[i]),
    "the fields of a structure are what it is asked for, in this order",
  );
  return marks.map(([name, { kind }]) => ({ name, kind }));
}
