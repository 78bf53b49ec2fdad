import { AbstractSnapshot } from "abstract-level";
import type { Revision } from "../../client/terms/index.ts";

/** The base class is typed for users of snapshots, not for their authors. */
const Base = AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot;

/** The store as it was when this was made: its revision, which comes a moment later. */
export class OmnikvSnapshot extends Base {
  readonly revision: Promise<Revision>;

  constructor(options: object, revision: Promise<Revision>) {
    super(options);
    this.revision = revision;
    // A reader is told; a user who only closes it need not know.
    revision.catch(() => {});
  }
}
