import { type ByteString, mix32, mixNumber } from "../../base/index.ts";

/** A value and its history in brief. Read only, and valid until the state changes. */
export interface StoredValue {
  readonly value: ByteString;
  /** Store revision at which the key came to be. */
  readonly createRevision: number;
  /** Store revision of the last change. */
  readonly modRevision: number;
  /** 1 when created, one more with each change. */
  readonly version: number;
  /** The id of the lease that the key is bound to; none, or 0: to none. Of the newest version only. */
  readonly lease?: number;
}

export class Cell implements StoredValue {
  readonly key: ByteString;
  /** By hashByteString: the same on all nodes. */
  readonly keyHash: number;
  value: ByteString;
  /** Of the value, which is somewhere else in memory. */
  valueLength: number;
  /** 0: the key is not there. */
  createRevision: number;
  /** Of the deletion, when the key is not there. */
  modRevision: number;
  /** 0: the key is not there (any more). Its cell stays for as long as older versions may be asked for. */
  version: number;
  /** Of key, value and revisions: what this cell adds to the content hash. 0: the key is not there. */
  hash = 0;
  readonly generation: number;

  constructor(
    key: ByteString,
    keyHash: number,
    value: ByteString,
    createRevision: number,
    modRevision: number,
    version: number,
    generation: number,
  ) {
    this.key = key;
    this.keyHash = keyHash;
    this.value = value;
    this.valueLength = value.length;
    this.createRevision = createRevision;
    this.modRevision = modRevision;
    this.version = version;
    this.generation = generation;
  }

  /** 0: the key is bound to none. Not a field: most keys are bound to none. */
  get lease(): number {
    return 0;
  }

  /** @param valueHash hash of the value's bytes by hashBytes */
  rehash(valueHash: number): number {
    const revisions = mixNumber(mixNumber(this.version, this.createRevision), this.modRevision);
    this.hash = mix32(mix32(this.keyHash, valueHash), revisions);
    return this.hash;
  }
}

/** Of a key that is bound to a lease, or was. */
export class LeasedCell extends Cell {
  boundTo = 0;

  override get lease(): number {
    return this.boundTo;
  }
}
