// What the browser keeps for the page: the token for this tab, the language for longer.
//
// A browser may refuse storage altogether; then things last as long as the page.

/** One text under one name. */
export class Kept {
  readonly #storage: () => Storage;
  readonly #name: string;
  #text: string | null = null;

  private constructor(storage: () => Storage, name: string) {
    this.#storage = storage;
    this.#name = name;
  }

  /** Kept until the tab closes. */
  static inTab(name: string): Kept {
    return new Kept(() => sessionStorage, name);
  }

  /** Kept until the browser's data are cleared. */
  static inBrowser(name: string): Kept {
    return new Kept(() => localStorage, name);
  }

  get(): string | null {
    try {
      return this.#storage().getItem(this.#name) ?? this.#text;
    } catch {
      return this.#text;
    }
  }

  /** Keeps a text; `null` forgets it. */
  set(text: string | null): void {
    this.#text = text;
    try {
      if (text === null) this.#storage().removeItem(this.#name);
      else this.#storage().setItem(this.#name, text);
    } catch {
      // Refused: the copy here has to do.
    }
  }
}
