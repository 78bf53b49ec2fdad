/** The state of this node as its clients read it: the newest, and as far back as the history goes. */
import {
  readAt,
  readHistory,
  readLease,
  readLeases,
  readPage,
  rightsNow,
  type Asking,
  type Rights,
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
} from "../../store/index.ts";
import type { ReadableState } from "../turn/answer-reads.ts";
import { deniedText } from "../requests/denied.ts";
import type { Route } from "../requests/route.ts";

export class Readable implements ReadableState {
  readonly #state: () => KvState;
  readonly #limits: PageLimits;
  readonly #looked: Looked = { cells: 0 };
  #asking: Asking = {};

  constructor(state: () => KvState, limits: PageLimits) {
    this.#state = state;
    this.#limits = limits;
  }

  /** Sets the client that the next reads are for. */
  isFor(route: Pick<Route, "actor" | "onlyWhileOn">): this {
    this.#asking = route;
    return this;
  }

  /** At the state as it is now: rights that were withdrawn while a read waited are withdrawn for it. */
  get rights(): Rights | null {
    return rightsNow(this.#state().access, this.#asking);
  }

  deniedText(rights: Rights): string {
    return deniedText(rights, this.#asking.actor ?? null);
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
