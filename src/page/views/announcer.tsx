import type { ComponentChild } from "preact";
import type { Mark } from "../cluster-view.ts";
import { markText } from "./events.ts";
import { capitalised } from "./format.ts";

const ANNOUNCED: readonly Mark["kind"][] = ["leads", "down", "back"];

/** Says elections, and nodes that come and go, to those who hear the page. */
export function Announcer({ marks }: { readonly marks: readonly Mark[] }): ComponentChild {
  const last = marks.findLast(({ kind }) => ANNOUNCED.includes(kind));
  return (
    <p class="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
      {last === undefined ? "" : capitalised(markText(last))}
    </p>
  );
}
