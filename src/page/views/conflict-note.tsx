import type { ComponentChild } from "preact";
import type { Seen } from "../key-draft.ts";

interface ConflictNoteProps {
  readonly conflict: Seen;
  readonly onTheirs: () => void;
  readonly onMine: () => void;
}

/** Nothing was saved: another client was faster. */
export function ConflictNote({ conflict, onTheirs, onMine }: ConflictNoteProps): ComponentChild {
  const gone = conflict.kind === "absent";
  return (
    <div class="asks" role="alert" data-testid="conflict">
      <p>
        {gone
          ? "Somebody else deleted it meanwhile."
          : `Somebody else changed it meanwhile, at revision ${conflict.revision}:`}
      </p>
      {gone || conflict.text === null ? null : (
        <code class="result-value" tabIndex={0}>
          {conflict.text === "" ? "(empty)" : conflict.text}
        </code>
      )}
      <button type="button" class="button small" data-testid="take-theirs" onClick={onTheirs}>
        {gone ? "Leave it deleted" : "Take theirs"}
      </button>
      <button type="button" class="button small danger" data-testid="keep-mine" onClick={onMine}>
        {gone ? "Write it again" : "Write mine over it"}
      </button>
    </div>
  );
}
