import type { ComponentChild } from "preact";

interface SegmentedProps<Value extends string> {
  readonly label: string;
  readonly name: string;
  readonly value: Value;
  readonly choices: readonly (readonly [value: Value, text: string])[];
  readonly disabled?: boolean;
  readonly onChange: (value: Value) => void;
}

/** One of few: radio buttons that look like one switch. */
export function Segmented<Value extends string>({
  label,
  name,
  value,
  choices,
  disabled = false,
  onChange,
}: SegmentedProps<Value>): ComponentChild {
  return (
    <div class="segmented" role="radiogroup" aria-label={label}>
      {choices.map(([choice, text]) => (
        <label key={choice} data-testid={`${name}-${choice}`}>
          <input
            type="radio"
            name={name}
            value={choice}
            checked={choice === value}
            disabled={disabled}
            onChange={() => onChange(choice)}
          />
          <span>{text}</span>
        </label>
      ))}
    </div>
  );
}
