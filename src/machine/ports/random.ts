/** A source of randomness; in production unpredictable, in the simulator drawn from the seed. */
export interface Random {
  /** An integer from 0 to 2^32 - 1. */
  uint32(): number;
  bytes(length: number): Uint8Array;
}
