// The language the page speaks: the visitor's choice, or what the browser prefers.

import { Figures } from "./figures";
import { Kept } from "./kept";
import { english, type Words } from "./words/english";
import { german } from "./words/german";

const LANGUAGES = {
  en: { name: "English", words: english },
  de: { name: "Deutsch", words: german },
};

export type Language = keyof typeof LANGUAGES;

/** All of them, each by its own name. */
export const languages = Object.entries(LANGUAGES).map(([code, { name }]) => ({ code: code as Language, name }));

const chosen = Kept.inBrowser("weirhouse-language");

/** Words and figures of one language. */
export interface Speech {
  language: Language;
  words: Words;
  figures: Figures;
}

/** Speaks the language chosen before, else the first of the browser's that there is, else English. */
export function preferredSpeech(): Speech {
  const before = chosen.get();
  const wanted = navigator.languages.map(languageOf).find((language) => language !== null);
  return speech((before === null ? null : languageOf(before)) ?? wanted ?? "en");
}

/** Speaks this language from now on, and next time. */
export function chooseSpeech(language: Language): Speech {
  chosen.set(language);
  return speech(language);
}

function speech(language: Language): Speech {
  document.documentElement.lang = language;
  // Figures as in the visitor's own country, where that speaks the language.
  const locale = navigator.languages.find((tag) => languageOf(tag) === language) ?? language;
  return { language, words: LANGUAGES[language].words, figures: new Figures(locale) };
}

function languageOf(tag: string): Language | null {
  const [primary = ""] = tag.toLowerCase().split("-");
  return primary in LANGUAGES ? (primary as Language) : null;
}
