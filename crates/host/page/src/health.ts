// Whether each part of Weirhouse works, and what is wrong.

import { css, html, nothing, type TemplateResult } from "lit";

import type { Health } from "./answers";
import { look } from "./look";
import { Part, given } from "./part";

class HealthElement extends Part {
  static override properties = { ...Part.properties, health: given };

  static override styles = [
    look,
    css`
      ul {
        list-style: none;
        margin: 0;
        padding: 0;
      }
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
    `,
  ];

  declare health: Health | null;

  override render(): TemplateResult | typeof nothing {
    if (this.health === null) return nothing;
    const { words } = this.speech;
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head"><h2 id="title">${words.health}</h2></div>
        <ul>
          ${this.health.components.map(
            ({ component, ok, message }) => html`
              <li data-component=${component}>
                <div class="row">
                  <span>${words.components[component] ?? component}</span>
                  <b class=${ok ? "good" : "bad"}>${ok ? words.works : words.fails}</b>
                </div>
                ${message === "" ? nothing : html`<span lang="en">${message}</span>`}
              </li>
            `,
          )}
        </ul>
      </section>
    `;
  }
}

customElements.define("weir-health", HealthElement);
