import type { ComponentChild } from "preact";
import { useState } from "preact/hooks";
import { FAULT_DELAY_MS_MAX, type LinkFault } from "../../base/index.ts";
import type { LinkView } from "../cluster-view.ts";
import { linkLook } from "./link-look.ts";

interface FaultFieldsProps {
  readonly link: LinkView;
  readonly disabled: boolean;
  readonly onApply: (fault: LinkFault) => void;
}

/** Values worth trying: few users know at once which loss a cluster feels. */
const FIRST = { percent: 30, delayMs: 50 };
const PERCENT_MAX = 99;

/** How much the link loses, and how late it delivers, both ways. */
export function FaultFields({ link, disabled, onApply }: FaultFieldsProps): ComponentChild {
  const { aToB, bToA } = link;
  const { state } = linkLook(link);
  const faulty = state === "faulty";
  const now = {
    percent: Math.max(aToB.dropPermille, bToA.dropPermille) / 10,
    delayMs: Math.max(aToB.delayMs, bToA.delayMs),
  };
  const [percent, setPercent] = useState(faulty ? now.percent : FIRST.percent);
  const [delayMs, setDelayMs] = useState(faulty ? now.delayMs : FIRST.delayMs);
  const broken = state === "broken" || state === "oneWay";
  return (
    <form
      class="fault-fields"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onApply({ dropPermille: Math.round(percent * 10), delayMs });
      }}
    >
      <NumberField
        id="link-drop"
        label="Loses, %"
        value={percent}
        max={PERCENT_MAX}
        step={5}
        onValue={setPercent}
      />
      <NumberField
        id="link-delay"
        label="Late by, ms"
        value={delayMs}
        max={FAULT_DELAY_MS_MAX}
        step={10}
        onValue={setDelayMs}
      />
      <button
        type="submit"
        class="button small"
        data-testid="link-degrade"
        disabled={disabled || broken}
      >
        Set
      </button>
      {broken && !disabled ? <p class="popover-note">Restore it first: nothing passes.</p> : null}
    </form>
  );
}

interface NumberFieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly step: number;
  readonly onValue: (value: number) => void;
}

function NumberField({ id, label, value, max, step, onValue }: NumberFieldProps): ComponentChild {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="number"
        data-testid={id}
        value={value}
        min={0}
        max={max}
        step={step}
        onInput={(event) => {
          const typed = event.currentTarget.valueAsNumber;
          onValue(Number.isNaN(typed) ? 0 : Math.min(max, Math.max(0, Math.round(typed))));
        }}
      />
    </label>
  );
}
