import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface OpenMenu {
  /** "link-1-2", "node-3": the button it belongs to; null: none. */
  readonly opened: string | null;
  readonly toggle: (button: string) => void;
  /** `refocus`: the focus goes back to the menu's button, for a user who goes on by keyboard. */
  readonly close: (refocus: boolean) => void;
  /** For each button that has a menu. */
  readonly refOf: (button: string) => (element: HTMLButtonElement | null) => void;
}

/** One menu at a time; closed by Escape and by a click elsewhere. */
export function useMenu(area: { readonly current: HTMLElement | null }): OpenMenu {
  const [opened, setOpened] = useState<string | null>(null);
  const buttons = useRef(new Map<string, HTMLButtonElement>()).current;
  const close = useCallback(
    (refocus: boolean): void => {
      setOpened((button) => {
        if (refocus && button !== null) buttons.get(button)?.focus({ preventScroll: true });
        return null;
      });
    },
    [buttons],
  );
  useLayoutEffect(() => {
    if (opened === null) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === "Escape") close(true);
    };
    const onPointer = (event: PointerEvent): void => {
      const at = event.target;
      const inside =
        at instanceof Element &&
        at.closest(".popover, .link-button, .link-hit, .node-card") !== null;
      if (!inside || area.current?.contains(at) !== true) close(false);
    };
    document.addEventListener("keydown", onKey);
    document.addEventListener("pointerdown", onPointer);
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("pointerdown", onPointer);
    };
  }, [opened, close, area]);
  return {
    opened,
    toggle: (button) => (button === opened ? close(true) : setOpened(button)),
    close,
    refOf: (button) => (element) => {
      if (element === null) buttons.delete(button);
      else buttons.set(button, element);
    },
  };
}
