/** The state of this node as its clients read it: the newest, and as far back as the history goes. */
import {
  readAt,
  readHistory,
  readLease,
  readLeases,
  readPage,
  type ByteString,
  type HistoryPage,
  type HistoryRequest,
  type KvState,
  type LeaseRequest,
  type LeasesPage,
  type LeasesRequest,
  type Looked,
  type PageLimits,
  type RangePage,
  type RangeRequest,
  type StoredValue,
} from "../kv/index.ts";
import type { ReadableState } from "../wire/client.ts";

export class Readable implements ReadableState {
  readonly #state: () => KvState;
  readonly #limits: PageLimits;
  readonly #looked: Looked = { cells: 0 };

  constructor(state: () => KvState, limits: PageLimits) {
    this.#state = state;
    this.#limits = limits;
  }

  get origin(): number {
    return this.#state().origin;
  }

  get revision(): number {
    return this.#state().revision;
  }

  get oldest(): number {
    return this.#state().cells.history.oldest;
  }

  get looked(): number {
    return this.#looked.cells;
  }

  read(key: ByteString): StoredValue | undefined {
    return this.#state().read(key);
  }

  readAt(key: ByteString, revision: number): StoredValue | undefined {
    const { cells } = this.#state();
    return readAt(key, cells.newest(key), revision, cells.history, this.#looked);
  }

  page(request: RangeRequest, revision: number): RangePage {
    return readPage(this.#state().cells, revision, request, this.#looked, this.#limits);
  }

  history(request: HistoryRequest, revision: number): HistoryPage {
    return readHistory(this.#state().cells, revision, request, this.#looked, this.#limits);
  }

  lease(request: LeaseRequest): LeasesPage {
    return readLease(this.#state().leases, request, this.#looked);
  }

  leases(request: LeasesRequest): LeasesPage {
    return readLeases(this.#state().leases, request, this.#looked);
  }
}
