import type { ComponentChild } from "preact";
import { Segmented } from "./segmented.tsx";

interface OnOffProps {
  readonly label: string;
  readonly name: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

/** Whether a card asks the servers for what it shows. */
export function OnOff({ label, name, isOn, onChange }: OnOffProps): ComponentChild {
  return (
    <Segmented
      label={label}
      name={name}
      value={isOn ? "on" : "off"}
      choices={[
        ["off", "off"],
        ["on", "on"],
      ]}
      onChange={(choice) => onChange(choice === "on")}
    />
  );
}
