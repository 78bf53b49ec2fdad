import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import { Segmented } from "./segmented.tsx";
import { TextField } from "./text-field.tsx";

/** What an empty expected value means. */
type EmptyMeans = "absent" | "empty";

interface CasFieldsProps {
  /** Why it cannot be done now; null: it can. */
  readonly why: string | null;
  /** @param expected null: no such key */
  readonly onSwap: (expected: string | null) => void;
}

/** Compare and swap by value, as the prompt has it. */
export function CasFields({ why, onSwap }: CasFieldsProps): ComponentChild {
  const [expected, setExpected] = useState("");
  const [emptyMeans, setEmptyMeans] = useState<EmptyMeans>("absent");
  const condition = expected === "" && emptyMeans === "absent" ? null : expected;
  return (
    <details class="cas">
      <summary data-testid="cas-open">Compare and swap</summary>
      <form
        class="cas-row"
        onSubmit={(event) => {
          event.preventDefault();
          if (why === null) onSwap(condition);
        }}
      >
        <TextField
          label="Write the value only if it is now"
          testId="expected-input"
          value={expected}
          placeholder={emptyMeans === "absent" ? "no such key" : "empty"}
          onValue={setExpected}
        />
        <button
          type="submit"
          class="button"
          data-testid="cas-button"
          disabled={why !== null}
          title={why ?? undefined}
        >
          Swap
        </button>
      </form>
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
    </details>
  );
}
