// The head of the page: versions, the link to Home Assistant, the language.

import { css, html, nothing, type TemplateResult } from "lit";

import { look } from "./look";
import { Part, given } from "./part";
import { languages } from "./speech";
import type { View } from "./watch";

/** What the demonstration gives as Home Assistant's version. */
const SIMULATED = "simulated";

class LinkElement extends Part {
  static override properties = { ...Part.properties, view: given };

  static override styles = [
    look,
    css`
      .row {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.25rem 1rem;
        padding-top: 0.9rem;
      }
      h1 {
        font-size: 1.35rem;
        margin: 0;
      }
      .status {
        margin-left: auto;
        font-weight: 600;
      }
      .neutral {
        color: var(--soft);
      }
      p {
        margin: 0.25rem 0 0;
        overflow-wrap: anywhere;
      }
      @media (max-width: 30rem) {
        select {
          margin-left: auto;
        }
        .status {
          flex-basis: 100%;
          margin-left: 0;
          order: 1;
        }
      }
    `,
  ];

  declare view: View;

  override render(): TemplateResult {
    const { words } = this.speech;
    const { stats } = this.view;
    const home = stats?.home;
    return html`
      <div class="row">
        <h1>Weirhouse</h1>
        ${stats ? html`<span class="soft">${stats.version}</span>` : nothing}
        ${home?.ha_version ? html`<span class="soft">${this.#homeAssistant(home.ha_version)}</span>` : nothing}
        <span role="status" class="status ${this.#kind()}">${this.#status()}</span>
        <select aria-label=${words.language} @change=${this.#onChange}>
          ${languages.map(
            ({ code, name }) =>
              html`<option value=${code} lang=${code} ?selected=${code === this.speech.language}>${name}</option>`,
          )}
        </select>
      </div>
      ${home && !home.connected && home.reason ? html`<p lang="en" class="reason">${home.reason}</p>` : nothing}
      ${home?.stale ? html`<p class="stale">${words.stale}</p>` : nothing}
    `;
  }

  #homeAssistant(version: string): string {
    return version === SIMULATED ? this.speech.words.simulated : `Home Assistant ${version}`;
  }

  #status(): string {
    const { words } = this.speech;
    const { phase, trouble, stats } = this.view;
    if (phase === "token") return words.tokenNeeded;
    if (trouble !== null) return "";
    if (stats === null) return words.connecting;
    return stats.home.connected ? words.connected : words.away;
  }

  #kind(): string {
    const { phase, trouble, stats } = this.view;
    if (phase !== "showing" || trouble !== null || stats === null) return "neutral";
    return stats.home.connected ? "good" : "bad";
  }

  #onChange(event: Event): void {
    const { value } = event.target as HTMLSelectElement;
    this.dispatchEvent(new CustomEvent("choose-language", { detail: value }));
  }
}

customElements.define("weir-link", LinkElement);
