// Whether each part of Weirhouse works, and what is wrong.

import { css, html, nothing, type TemplateResult } from "lit";

import type { Health } from "./answers";
import { look } from "./look";
import { AskedPart, given } from "./part";
import { failureInWords } from "./trouble";

class HealthElement extends AskedPart {
  static override properties = { ...AskedPart.properties, health: given, halted: given };

  static override styles = [
    look,
    css`
      li {
        border-top: 1px solid var(--line);
        padding: 0.4rem 0;
        overflow-wrap: anywhere;
      }
      .row {
        display: flex;
        justify-content: space-between;
        gap: 1rem;
      }
      .row b {
        font-weight: 600;
      }
      .past {
        color: var(--soft);
      }
    `,
  ];

  declare health: Health | null;
  /** Whether nobody answers, so that this is how it was. */
  declare halted: boolean;

  override render(): TemplateResult | typeof nothing {
    if (this.health === null && this.failure === null) return nothing;
    const { words } = this.speech;
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head"><h2 id="title">${words.health}</h2></div>
        ${failureInWords(this.failure, this.speech)}
        <ul>
          ${this.health?.components.map(
            ({ component, ok, message }) => html`
              <li data-component=${component}>
                <div class="row">
                  <span>${words.components[component] ?? component}</span>
                  ${this.#outcome(ok)}
                </div>
                ${message === "" ? nothing : html`<span lang="en">${message}</span>`}
              </li>
            `,
          )}
        </ul>
      </section>
    `;
  }

  #outcome(ok: boolean): TemplateResult {
    const { words } = this.speech;
    if (this.halted || this.failure !== null) return html`<b class="past">${ok ? words.worked : words.failed}</b>`;
    return html`<b class=${ok ? "good" : "bad"}>${ok ? words.works : words.fails}</b>`;
  }
}

customElements.define("weir-health", HealthElement);
