import { en, type Texts } from "./en";

/** Languages that the page speaks. */
export type Language = "en" | "it";

const KEY = "darkroom.language";

class Speech {
  /** The language that is spoken. */
  language = $state<Language>("en");
  /** All texts in that language. */
  t = $state.raw<Texts>(en);

  /** Speak another language, and remember it. The Italian texts are fetched when they are needed first. */
  async speak(language: Language, remember = true): Promise<void> {
    this.t = language === "it" ? (await import("./it")).it : en;
    this.language = language;
    document.documentElement.lang = language;
    if (remember) localStorage.setItem(KEY, language);
  }

  /** Speak what was chosen before, else what the browser asks for. */
  async start(): Promise<void> {
    const kept = localStorage.getItem(KEY);
    const wanted = kept ?? navigator.languages.find((one) => /^(en|it)\b/.test(one))?.slice(0, 2);
    if (wanted === "it") await this.speak("it", false);
  }
}

/** What the page says, in the language of its reader. */
export const speech = new Speech();
