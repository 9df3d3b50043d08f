// Asks for a token, where one is needed.

import { css, html, nothing, type TemplateResult } from "lit";

import type { Refusal } from "./client";
import { look } from "./look";
import { Part, given } from "./part";

class TokenFormElement extends Part {
  static override properties = { ...Part.properties, refused: given };

  static override styles = [
    look,
    css`
      form {
        display: grid;
        gap: 0.6rem;
        max-width: 40rem;
      }
      button {
        justify-self: start;
      }
    `,
  ];

  declare refused: Refusal | null;

  override render(): TemplateResult {
    const { words } = this.speech;
    return html`
      <form class="card" @submit=${this.#onSubmit}>
        ${this.refused === null ? nothing : html`<b class="bad" role="alert">${words.tokenRefused[this.refused]}</b>`}
        <label for="token">${words.token}</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck="false"
          required
          aria-describedby="where"
        />
        <span id="where" class="soft">${words.tokenWhere}</span>
        <button>${words.show}</button>
      </form>
    `;
  }

  override firstUpdated(): void {
    this.#input.focus();
  }

  get #input(): HTMLInputElement {
    return this.renderRoot.querySelector("input") as HTMLInputElement;
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    const token = this.#input.value;
    this.#input.value = "";
    this.dispatchEvent(new CustomEvent("use-token", { detail: token }));
  }
}

customElements.define("weir-token-form", TokenFormElement);
