/** Light, dark, or as the system is. */
export type Theme = "system" | "light" | "dark";

const KEY = "darkroom.theme";

class Appearance {
  theme = $state<Theme>((localStorage.getItem(KEY) as Theme | null) ?? "system");

  /** Take a theme, and remember it. */
  take(theme: Theme): void {
    this.theme = theme;
    if (theme === "system") {
      localStorage.removeItem(KEY);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(KEY, theme);
      document.documentElement.dataset.theme = theme;
    }
  }
}

/** How the page looks. */
export const appearance = new Appearance();
