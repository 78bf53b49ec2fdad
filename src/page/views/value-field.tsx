import type { ComponentChild } from "preact";
import { boxText, isBinary, jsonLook, whyNotEdited, type Draft, type Seen } from "../key-draft.ts";
import { formatBytes, formatCount } from "./format.ts";

interface ValueFieldProps {
  readonly draft: Draft;
  /** As a text box has it. */
  readonly onValue: (typed: string) => void;
  readonly onSave: () => void;
}

const ROWS_MIN = 3;
const ROWS_MAX = 16;

/** The value as text, and what is known of it. Enter is a new line of it, and nothing else. */
export function ValueField({ draft, onValue, onSave }: ValueFieldProps): ComponentChild {
  const { seen, awaited } = draft;
  const value = boxText(draft.value);
  const why = whyNotEdited(draft);
  const json = jsonLook(value);
  const lines = value.split("\n", ROWS_MAX).length;
  return (
    <div class="value">
      <label class="field">
        <span>Value</span>
        <textarea
          data-testid="value-input"
          rows={Math.max(ROWS_MIN, lines)}
          value={value}
          readOnly={awaited || why !== null}
          placeholder={
            awaited ? "on the way…" : isBinary(draft) ? "bytes that are no text: see below" : ""
          }
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          onInput={(event) => onValue(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onSave();
          }}
        />
      </label>
      <div class="value-foot">
        <span class="hint" data-testid="value-facts">
          {factsText(seen, draft.value)}
        </span>
        {why === null ? null : (
          <span class="hint" data-testid="value-why">
            {why}
          </span>
        )}
        {json.kind === "json" && why === null ? (
          <button
            type="button"
            class="button small"
            data-testid="format-json"
            disabled={json.pretty === null || json.pretty === value}
            title={
              json.pretty === null
                ? "It has numbers or escapes that would be written differently"
                : json.pretty === value
                  ? "It is formatted"
                  : "Indent the JSON"
            }
            onClick={() => {
              if (json.pretty !== null) onValue(json.pretty);
            }}
          >
            Format JSON
          </button>
        ) : null}
        {json.kind === "broken" ? (
          <span class="hint json-broken" title={json.reason}>
            no valid JSON
          </span>
        ) : null}
      </div>
    </div>
  );
}

function factsText(seen: Seen | null, value: string): string {
  const size = formatBytes(new TextEncoder().encode(value).length);
  if (seen === null) return size;
  if (seen.kind === "absent") return `${size} · no such key yet`;
  const { revision, created, version } = seen;
  const facts = [`changed at revision ${revision}`];
  if (created !== null) facts.push(`created at ${formatCount(created)}`);
  if (version !== null) facts.push(`version ${formatCount(version)}`);
  return seen.text === null ? facts.join(" · ") : [size, ...facts].join(" · ");
}
