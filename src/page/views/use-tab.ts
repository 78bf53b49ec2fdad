import { useEffect } from "preact/hooks";
import { tabIcon, type TabLook } from "./tab.ts";

/** Title and icon of the browser's tab. */
export function useTab({ title, tone }: TabLook): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    document.querySelector("link[rel=icon]")?.setAttribute("href", tabIcon(tone));
  }, [tone]);
}
