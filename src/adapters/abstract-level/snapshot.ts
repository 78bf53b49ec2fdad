import { AbstractSnapshot } from "abstract-level";
import type { Revision } from "../../client/terms/index.ts";

/** The base class is typed for those who use snapshots, not for those who make them. */
const Base = AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot;

/** The store as it was when this was made: its revision, which comes a moment later. */
export class OmnikvSnapshot extends Base {
  readonly revision: Promise<Revision>;

  constructor(options: object, revision: Promise<Revision>) {
    super(options);
    this.revision = revision;
    // Whoever reads is told; who only closes it need not know.
    revision.catch(() => {});
  }
}
