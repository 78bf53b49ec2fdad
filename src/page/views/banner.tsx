import type { ComponentChild } from "preact";
import type { ClusterView } from "../cluster-view.ts";
import { bannerLines } from "./node-look.ts";

/** What can no longer be seen. Its seconds go on, so it is no live region: changes are announced elsewhere. */
export function Banner({ view }: { readonly view: ClusterView }): ComponentChild {
  const lines = bannerLines(view);
  if (lines.length === 0) return null;
  const tone = lines.some((line) => line.tone === "error") ? "error" : "warning";
  return (
    <section class={`banner banner-${tone}`} data-testid="banner" aria-label="What is wrong">
      <ul>
        {lines.map(({ key, text }) => (
          <li key={key}>{text}</li>
        ))}
      </ul>
    </section>
  );
}
