import type { ComponentChild } from "preact";
import type { ClusterView } from "../cluster-view.ts";
import { bannerLines, wellText } from "./node-look.ts";

/**
 * The state of the cluster in one line that is always there, so that nothing below it moves when something breaks; the user can unfold
 * more of it. Its seconds go on, so it is no live region: the page announces changes elsewhere.
 */
export function Banner({ view }: { readonly view: ClusterView }): ComponentChild {
  const lines = bannerLines(view);
  const [first, ...rest] = lines;
  if (first === undefined) {
    return (
      <section class="banner banner-well" data-testid="banner" aria-label="How the cluster is">
        <p class="banner-line">{wellText(view)}</p>
      </section>
    );
  }
  const tone = lines.some((line) => line.tone === "error") ? "error" : "warning";
  return (
    <section
      class={`banner banner-${tone}`}
      data-testid="banner"
      aria-label="How the cluster is: what is wrong"
    >
      <details>
        <summary class="banner-line">
          <span class="banner-text">{first.text}</span>
          <span class="banner-more">{rest.length === 0 ? "all of it" : `${rest.length} more`}</span>
        </summary>
        <ul>
          {lines.map(({ key, text }) => (
            <li key={key}>{text}</li>
          ))}
        </ul>
      </details>
    </section>
  );
}
