import type { ComponentChild } from "preact";

interface TextFieldProps {
  readonly label: string;
  readonly testId: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly onValue: (value: string) => void;
}

/** For keys and values: they are bytes of the store, so spelling help must not change them. */
export function TextField(props: TextFieldProps): ComponentChild {
  const { label, testId, value, placeholder = "", onValue } = props;
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="text"
        data-testid={testId}
        value={value}
        placeholder={placeholder}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}
