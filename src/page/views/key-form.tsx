import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import type { PageActions } from "../page-actions.ts";
import { casOutcome, deleteOutcome, writeOutcome } from "./operation-text.ts";
import { Segmented } from "./segmented.tsx";
import { TextField } from "./text-field.tsx";
import type { Operations } from "./use-operations.ts";

interface KeyFormProps {
  readonly node: number;
  readonly keyText: string;
  readonly onKey: (key: string) => void;
  readonly onRead: () => void;
  readonly actions: PageActions;
  readonly operations: Operations;
}

/** Key and value, and what to do with them. */
export function KeyForm(props: KeyFormProps): ComponentChild {
  const { node, keyText: key, onKey, onRead, actions, operations } = props;
  const [value, setValue] = useState("");
  const write = (): void =>
    operations.begin(node, `write ${key} = ${value}`, async () =>
      writeOutcome(await actions.write(node, key, value)),
    );
  const remove = (): void =>
    operations.begin(node, `delete ${key}`, async () =>
      deleteOutcome(await actions.delete(node, key)),
    );
  const swap = (expected: string | null): void => {
    const from = expected === null ? "no such key" : expected === "" ? "empty" : expected;
    operations.begin(node, `cas ${key}: ${from} → ${value}`, async () =>
      casOutcome(await actions.cas(node, key, expected, value)),
    );
  };
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        onRead();
      }}
    >
      <TextField label="Key" testId="key-input" value={key} onValue={onKey} />
      <TextField label="Value" testId="value-input" value={value} onValue={setValue} />
      <div class="key-buttons">
        <button type="submit" class="button" data-testid="read-button" disabled={key === ""}>
          Read
        </button>
        <button
          type="button"
          class="button primary"
          data-testid="write-button"
          disabled={key === ""}
          onClick={write}
        >
          Write
        </button>
        <button
          type="button"
          class="button danger"
          data-testid="delete-button"
          disabled={key === ""}
          onClick={remove}
        >
          Delete
        </button>
      </div>
      <CasFields disabled={key === ""} onSwap={swap} />
    </form>
  );
}

/** What an empty expected value means. */
type EmptyMeans = "absent" | "empty";

interface CasFieldsProps {
  readonly disabled: boolean;
  readonly onSwap: (expected: string | null) => void;
}

function CasFields({ disabled, onSwap }: CasFieldsProps): ComponentChild {
  const [expected, setExpected] = useState("");
  const [emptyMeans, setEmptyMeans] = useState<EmptyMeans>("absent");
  const condition = expected === "" && emptyMeans === "absent" ? null : expected;
  return (
    <>
      <div class="cas-row">
        <TextField
          label="Only if the value is"
          testId="expected-input"
          value={expected}
          placeholder={emptyMeans === "absent" ? "no such key" : "empty"}
          onValue={setExpected}
        />
        <button
          type="button"
          class="button"
          data-testid="cas-button"
          disabled={disabled}
          title="Compare and swap: write the value only if the condition holds"
          onClick={() => onSwap(condition)}
        >
          CAS
        </button>
      </div>
      {expected !== "" ? null : (
        <div class="empty-means">
          <span class="hint">empty means</span>
          <Segmented
            label="What an empty expected value means"
            name="empty-means"
            value={emptyMeans}
            choices={[
              ["absent", "no such key"],
              ["empty", "an empty value"],
            ]}
            onChange={setEmptyMeans}
          />
        </div>
      )}
    </>
  );
}
