/** Watches on one connection to one node of any system, whose events are counted. */
export interface Watches {
  /**
   * From now on. An end of null: that key alone; of one zero byte, as etcd has it: no end. Once for each connection.
   * @returns when all of them are open
   */
  create(
    ranges: readonly { readonly key: Uint8Array; readonly end: Uint8Array | null }[],
  ): Promise<void>;
  close(): void;
}
