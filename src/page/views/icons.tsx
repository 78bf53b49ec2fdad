import type { ComponentChild } from "preact";

export type IconName =
  | "crown"
  | "follow"
  | "cut"
  | "off"
  | "quiet"
  | "question"
  | "broken"
  | "system"
  | "light"
  | "dark"
  | "close"
  | "folded"
  | "opened"
  | "logo";

/** Strokes in a box of 24 by 24. */
const PATHS: Readonly<Record<IconName, string>> = {
  crown: "M3 8l4.5 4L12 5l4.5 7L21 8l-2 10H5z",
  follow: "M5 12.5l4.5 4.5L19 7.5",
  cut: "M4 12h4M16 12h4M10 7l4 10",
  off: "M12 4v8M7 6.8a7.5 7.5 0 1 0 10 0",
  quiet: "M6 12h.01M12 12h.01M18 12h.01",
  question: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2M12 17.5h.01",
  broken: "M7 7l10 10M17 7L7 17",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  dark: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
  close: "M6 6l12 12M18 6L6 18",
  folded: "M9 5l7 7-7 7",
  opened: "M5 9l7 7 7-7",
  logo: "M12 3.5l7.5 4.3v8.4L12 20.5l-7.5-4.3V7.8zM12 12l7.5-4.2M12 12v8.5M12 12L4.5 7.8",
};

/** Decoration: what it says is said in words as well. */
export function Icon({ name }: { readonly name: IconName }): ComponentChild {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
