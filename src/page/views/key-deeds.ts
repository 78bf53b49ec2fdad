/** The user's actions on the edited key, and their effect on the draft. */
import {
  afterConflict,
  afterDelete,
  afterSave,
  isDirty,
  saveCondition,
  type Draft,
} from "../key-draft.ts";
import { txnText, type TxnDraft } from "../txn-draft.ts";
import type { PageActions, Through } from "../page-actions.ts";
import {
  casOutcome,
  commitOutcome,
  deleteOutcome,
  saveOutcome,
  writeOutcome,
} from "./operation-text.ts";
import type { Operations } from "./use-operations.ts";

export interface KeyDeedsOptions {
  readonly through: Through;
  readonly draft: Draft;
  readonly onDraft: (next: (draft: Draft) => Draft) => void;
  /** A key came, went or has another value. */
  readonly onChanged: () => void;
  readonly actions: PageActions;
  readonly operations: Operations;
}

export interface KeyDeeds {
  /** @param of the draft whose condition holds: that of the options, or what it becomes */
  readonly save: (of: Draft) => void;
  readonly remove: () => void;
  /** @param expected null: no such key */
  readonly swap: (expected: string | null) => void;
  readonly commit: (txn: TxnDraft) => void;
}

export function keyDeeds(options: KeyDeedsOptions): KeyDeeds {
  const { through, draft, onDraft, onChanged, actions, operations } = options;
  const { key, value } = draft;
  const save = (of: Draft): void => {
    const condition = saveCondition(of);
    operations.begin(through, `write ${key} = ${value}`, async () => {
      if (condition === null) {
        const written = await actions.write(through, key, value);
        onDraft((now) => afterSave(now, key, value, written.revision));
        onChanged();
        return writeOutcome(written);
      }
      const answer = await actions.cas(through, key, condition, value);
      onDraft((now) =>
        answer.swapped
          ? afterSave(now, key, value, answer.revision)
          : afterConflict(now, key, answer.found),
      );
      if (answer.swapped) onChanged();
      return saveOutcome(answer, value);
    });
  };
  const remove = (): void =>
    operations.begin(through, `delete ${key}`, async () => {
      const answer = await actions.delete(through, key);
      onDraft((now) => afterDelete(now, key));
      onChanged();
      return deleteOutcome(answer);
    });
  const swap = (expected: string | null): void => {
    const from = expected === null ? "no such key" : expected === "" ? "empty" : expected;
    const condition = expected === null ? ({ absent: true } as const) : { value: expected };
    operations.begin(through, `cas ${key}: ${from} → ${value}`, async () => {
      const answer = await actions.cas(through, key, condition, value);
      if (answer.swapped) {
        onDraft((now) => afterSave(now, key, value, answer.revision));
        onChanged();
      }
      return casOutcome(answer);
    });
  };
  const commit = (txn: TxnDraft): void =>
    operations.begin(through, txnText(txn), async () => {
      const answer = await actions.commit(through, txn);
      if (answer.committed) {
        onChanged();
        // The key that is shown may be another one now.
        const changed = txn.changes.find((each) => each.key === key);
        if (changed?.kind === "put") {
          onDraft((now) =>
            isDirty(now)
              ? now
              : afterSave({ ...now, value: changed.value }, key, changed.value, answer.revision),
          );
        } else if (changed !== undefined) {
          onDraft((now) => (isDirty(now) ? now : afterDelete(now, key)));
        }
      }
      return commitOutcome(answer);
    });
  return { save, remove, swap, commit };
}
