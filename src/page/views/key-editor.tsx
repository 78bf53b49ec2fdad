import type { ComponentChild } from "preact";
import {
  isDirty,
  keepMine,
  revisionOf,
  takeTheirs,
  whyNotEdited,
  withKey,
  withTyped,
  withValue,
  type Draft,
} from "../key-draft.ts";
import { CasFields } from "./cas-fields.tsx";
import { ConflictNote } from "./conflict-note.tsx";
import { DeleteButton } from "./delete-button.tsx";
import { keyDeeds, type KeyDeedsOptions } from "./key-deeds.ts";
import { KeyPast } from "./key-past.tsx";
import { whyNotKey, type Who } from "../rights.ts";
import type { ShownHistory } from "../page-actions.ts";
import { TextField } from "./text-field.tsx";
import { TxnForm } from "./txn-form.tsx";
import { ValueField } from "./value-field.tsx";

interface KeyEditorProps extends KeyDeedsOptions {
  readonly who: Who | null;
  readonly onRead: () => void;
  /** Reads it anew, even if the user has typed something. */
  readonly onReload: () => void;
  readonly onHistory: (key: string) => Promise<ShownHistory>;
}

/** A key and its value, and what to do with them. */
export function KeyEditor(props: KeyEditorProps): ComponentChild {
  const { who, draft, onDraft, onRead, onReload, onHistory } = props;
  const { key } = draft;
  const keyless = key === "" ? "Type or choose a key first" : null;
  const whyNotRead = keyless ?? whyNotKey(who, "read", key);
  const whyNotWrite = keyless ?? whyNotKey(who, "write", key);
  // A user whose swap fails is told the present value, so he must be allowed to read it.
  const whyNotSwap = whyNotWrite ?? whyNotRead;
  const whyNotSave = (draft.seen === null ? whyNotWrite : whyNotSwap) ?? whyNotSaved(draft);
  const { save, remove, swap, commit } = keyDeeds(props);
  return (
    <div class="key-editor">
      <form
        class="key-row"
        onSubmit={(event) => {
          event.preventDefault();
          if (whyNotRead === null) onRead();
        }}
      >
        <TextField
          label="Key"
          testId="key-input"
          value={key}
          onValue={(typed) => onDraft((now) => withKey(now, typed))}
        />
        <button
          type="submit"
          class="button"
          data-testid="read-button"
          disabled={whyNotRead !== null}
          title={whyNotRead ?? undefined}
        >
          Read
        </button>
      </form>
      <ValueField
        draft={draft}
        onValue={(typed) => onDraft((now) => withTyped(now, typed))}
        onSave={() => {
          if (whyNotSave === null) save(draft);
        }}
      />
      {draft.conflict === null ? null : (
        <ConflictNote
          conflict={draft.conflict}
          onTheirs={() => {
            if (draft.conflict?.kind === "found" && draft.conflict.text === null) onReload();
            else onDraft(takeTheirs);
          }}
          onMine={() => {
            onDraft(keepMine);
            save(keepMine(draft));
          }}
        />
      )}
      <div class="key-buttons">
        <button
          type="button"
          class="button primary"
          data-testid="write-button"
          disabled={whyNotSave !== null}
          title={whyNotSave ?? saveTitle(draft)}
          onClick={() => save(draft)}
        >
          {draft.seen === null ? "Write" : "Save"}
        </button>
        <DeleteButton key={key} name={key} why={whyNotWrite} onDelete={remove} />
      </div>
      <CasFields why={whyNotSwap} onSwap={swap} />
      <KeyPast
        key={`past of ${key}`}
        name={key}
        revision={draft.seen === null ? null : revisionOf(draft.seen)}
        why={whyNotRead}
        onAsk={onHistory}
        unsaved={isDirty(draft) ? draft.value : null}
        onTake={(text) => onDraft((now) => withValue(now, text))}
      />
      <TxnForm onRun={commit} />
    </div>
  );
}

/** Null: it can be saved. */
function whyNotSaved(draft: Draft): string | null {
  if (draft.awaited) return "Its value is on the way";
  return whyNotEdited(draft) ?? (draft.conflict === null ? null : "Decide whose value stays first");
}

function saveTitle({ seen }: Draft): string {
  if (seen === null) return "Write it, whatever is there. Ctrl+Enter in the value does the same";
  return seen.kind === "absent"
    ? "Write it, if there is still no such key"
    : `Write it, if nobody has changed it since revision ${seen.revision}`;
}
