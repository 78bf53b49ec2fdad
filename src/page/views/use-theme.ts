import { useLayoutEffect, useState } from "preact/hooks";

type Theme = "system" | "light" | "dark";
const THEMES: readonly Theme[] = ["system", "light", "dark"];
const STORED_AS = "omnikv-theme";

export interface ThemeChoice {
  readonly theme: Theme;
  /** Changes whenever colours do: code that paints them on a canvas must paint again. */
  readonly colours: string;
  next(): void;
}

export function useTheme(): ThemeChoice {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const [systemDark, setSystemDark] = useState(() => darkQuery().matches);
  useLayoutEffect(() => {
    const query = darkQuery();
    const changed = (): void => setSystemDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  const dark = theme === "dark" || (theme === "system" && systemDark);
  // Before anything is drawn: canvases read the colours while they are.
  applyTheme(theme);
  return {
    theme,
    colours: dark ? "dark" : "light",
    next: () => {
      const chosen = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
      store(chosen);
      setTheme(chosen);
    },
  };
}

function applyTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
}

function darkQuery(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}

/** A browser may forbid storage altogether: the choice then lasts as long as the page. */
function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORED_AS);
    return THEMES.find((theme) => theme === stored) ?? "system";
  } catch (error) {
    if (error instanceof DOMException) return "system";
    throw error;
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(STORED_AS, theme);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}
