import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import {
  EMPTY_CHANGE,
  EMPTY_CHECK,
  EMPTY_TXN,
  LINES_MAX,
  whyNotRun,
  withLine,
  type ChangeLine,
  type CheckLine,
  type TxnDraft,
} from "../txn-draft.ts";
import { TextField } from "./text-field.tsx";

interface TxnFormProps {
  readonly onRun: (txn: TxnDraft) => void;
}

/** Checks and changes that are one step: all of it, or nothing. */
export function TxnForm({ onRun }: TxnFormProps): ComponentChild {
  const [txn, setTxn] = useState<TxnDraft>(EMPTY_TXN);
  const { checks, changes } = txn;
  const why = whyNotRun(txn);
  const setCheck = (at: number, line: CheckLine | null): void =>
    setTxn({ checks: withLine(checks, at, line), changes });
  const setChange = (at: number, line: ChangeLine | null): void =>
    setTxn({ checks, changes: withLine(changes, at, line) });
  return (
    <details class="cas">
      <summary data-testid="txn-open">Transaction</summary>
      <form
        class="txn"
        onSubmit={(event) => {
          event.preventDefault();
          if (why === null) onRun(txn);
        }}
      >
        <h3>Only if</h3>
        {checks.map((line, i) => (
          <Check key={i} at={i} line={line} onLine={(next) => setCheck(i, next)} />
        ))}
        <Add
          what="a check"
          testId="txn-add-check"
          isFull={checks.length >= LINES_MAX}
          onAdd={() => setTxn({ checks: [...checks, EMPTY_CHECK], changes })}
        />
        <h3>Then</h3>
        {changes.map((line, i) => (
          <Change key={i} at={i} line={line} onLine={(next) => setChange(i, next)} />
        ))}
        <Add
          what="a change"
          testId="txn-add-change"
          isFull={changes.length >= LINES_MAX}
          onAdd={() => setTxn({ checks, changes: [...changes, EMPTY_CHANGE] })}
        />
        <button
          type="submit"
          class="button primary"
          data-testid="txn-run"
          disabled={why !== null}
          title={why ?? "All of it at one revision, or nothing"}
        >
          Commit
        </button>
      </form>
    </details>
  );
}

interface LineProps<L> {
  readonly at: number;
  readonly line: L;
  /** Null: it is to go. */
  readonly onLine: (line: L | null) => void;
}

function Check({ at, line, onLine }: LineProps<CheckLine>): ComponentChild {
  const { kind, key, operand } = line;
  const testId = `txn-check-${at}`;
  return (
    <div class="txn-line">
      <TextField
        label="Key"
        testId={`${testId}-key`}
        value={key}
        onValue={(typed) => onLine({ ...line, key: typed })}
      />
      <label class="field">
        <span>is</span>
        <select
          data-testid={`${testId}-kind`}
          value={kind}
          onChange={({ currentTarget: { value } }) => onLine({ ...line, kind: kindIn(value) })}
        >
          <option value="revision">at revision</option>
          <option value="value">of value</option>
          <option value="absent">not there</option>
        </select>
      </label>
      {kind === "absent" ? (
        <span />
      ) : (
        <TextField
          label={kind === "revision" ? "Revision" : "Value"}
          testId={`${testId}-operand`}
          value={operand}
          onValue={(typed) => onLine({ ...line, operand: typed })}
        />
      )}
      <Remove what={`check ${at + 1}`} onRemove={() => onLine(null)} />
    </div>
  );
}

function kindIn(value: string): CheckLine["kind"] {
  return value === "value" || value === "absent" ? value : "revision";
}

function Change({ at, line, onLine }: LineProps<ChangeLine>): ComponentChild {
  const { kind, key, value } = line;
  const testId = `txn-change-${at}`;
  return (
    <div class="txn-line">
      <label class="field">
        <span>Do</span>
        <select
          data-testid={`${testId}-kind`}
          value={kind}
          onChange={({ currentTarget }) =>
            onLine({ ...line, kind: currentTarget.value === "delete" ? "delete" : "put" })
          }
        >
          <option value="put">write</option>
          <option value="delete">delete</option>
        </select>
      </label>
      <TextField
        label="Key"
        testId={`${testId}-key`}
        value={key}
        onValue={(typed) => onLine({ ...line, key: typed })}
      />
      {kind === "delete" ? (
        <span />
      ) : (
        <TextField
          label="Value"
          testId={`${testId}-value`}
          value={value}
          onValue={(typed) => onLine({ ...line, value: typed })}
        />
      )}
      <Remove what={`change ${at + 1}`} onRemove={() => onLine(null)} />
    </div>
  );
}

function Remove(props: { readonly what: string; readonly onRemove: () => void }): ComponentChild {
  return (
    <button
      type="button"
      class="button small"
      aria-label={`Take ${props.what} away`}
      onClick={props.onRemove}
    >
      ×
    </button>
  );
}

interface AddProps {
  readonly what: string;
  readonly testId: string;
  readonly isFull: boolean;
  readonly onAdd: () => void;
}

function Add({ what, testId, isFull, onAdd }: AddProps): ComponentChild {
  return (
    <button
      type="button"
      class="button small txn-add"
      data-testid={testId}
      disabled={isFull}
      title={isFull ? `${LINES_MAX} are enough by hand` : undefined}
      onClick={onAdd}
    >
      Add {what}
    </button>
  );
}
