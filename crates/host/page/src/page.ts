// The whole page: what is shown when.

import { LitElement, css, html, nothing, type TemplateResult } from "lit";

import "./breakers";
import "./budgets";
import "./entities";
import "./health";
import "./link";
import "./log";
import "./picture";
import "./plugins";
import "./tiles";
import "./token-form";
import { look } from "./look";
import { type Language, chooseSpeech, preferredSpeech } from "./speech";
import { problemInWords } from "./trouble";
import { type Trouble, Watch } from "./watch";

class PageElement extends LitElement {
  static override styles = [
    look,
    css`
      :host {
        max-width: 76rem;
        margin: 0 auto;
        padding: 0 1rem 1.5rem;
      }
      main {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 0.9rem;
        margin-top: 0.9rem;
      }
      /* Not to be operated: it only has the focus that the form had. */
      main:focus {
        outline: none;
      }
      .below {
        display: grid;
        gap: 0.9rem;
        grid-template-columns: minmax(0, 1fr) minmax(0, 2fr);
        align-items: start;
      }
      .note {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.5rem 1rem;
        border-color: var(--bad);
      }
      .note:not(.card) {
        display: contents;
      }
      @media (max-width: 48rem) {
        .below {
          grid-template-columns: minmax(0, 1fr);
        }
      }
      @media (max-width: 30rem) {
        :host {
          padding: 0 0.6rem 1rem;
        }
      }
    `,
  ];

  readonly #watch = new Watch(this);
  #speech = preferredSpeech();

  override render(): TemplateResult {
    const { view } = this.#watch;
    const speech = this.#speech;
    const { failures } = view;
    const halted = view.trouble !== null;
    const budgets = Object.entries(view.stats?.schedule.budgets ?? {});
    return html`
      <header>
        <weir-link .speech=${speech} .view=${{ ...view }} @choose-language=${this.#onLanguage}></weir-link>
      </header>
      <main tabindex="-1">
        <div role="status" class="note ${view.trouble === null ? "" : "card"}">${this.#trouble(view.trouble)}</div>
        ${view.phase === "token"
          ? html`<weir-token-form
              .speech=${speech}
              .refused=${view.refused}
              @use-token=${this.#onToken}
            ></weir-token-form>`
          : nothing}
        ${view.phase === "showing" && view.stats !== null
          ? html`
              <weir-tiles .speech=${speech} .stats=${view.stats} .rates=${view.rates}></weir-tiles>
              <weir-picture .speech=${speech} .history=${view.history} .failure=${failures.history}></weir-picture>
              <weir-entities
                .speech=${speech}
                .activity=${view.activity}
                .failure=${failures.activity}
                .halted=${halted}
              ></weir-entities>
              ${budgets.length === 0
                ? nothing
                : html`<weir-budgets .speech=${speech} .budgets=${budgets}></weir-budgets>`}
              ${(view.breakers ?? []).length === 0 && failures.breakers === null
                ? nothing
                : html`<weir-breakers
                    .speech=${speech}
                    .breakers=${view.breakers}
                    .failure=${failures.breakers}
                  ></weir-breakers>`}
              ${(view.plugins ?? []).length === 0 && failures.plugins === null
                ? nothing
                : html`<weir-plugins
                    .speech=${speech}
                    .plugins=${view.plugins}
                    .failure=${failures.plugins}
                  ></weir-plugins>`}
              <div class="below">
                <weir-health
                  .speech=${speech}
                  .health=${view.health}
                  .failure=${failures.health}
                  .halted=${halted}
                ></weir-health>
                <weir-log .speech=${speech} .lines=${view.log} .failure=${failures.log}></weir-log>
              </div>
            `
          : nothing}
      </main>
    `;
  }

  #trouble(trouble: Trouble | null): TemplateResult | typeof nothing {
    if (trouble === null) return nothing;
    const { words, figures } = this.#speech;
    const { asOf } = this.#watch.view;
    const sentence = trouble.kind === "status" ? words.status(trouble.status) : words[trouble.kind];
    return html`
      <span>
        <b class="bad">${sentence}</b>
        ${trouble.kind === "status" ? problemInWords(trouble, this.#speech) : nothing}
        ${asOf === null ? nothing : words.figuresOf(figures.time(asOf))}
      </span>
      <button type="button" @click=${() => this.#watch.now()}>${words.tryNow}</button>
    `;
  }

  #onLanguage(event: CustomEvent<Language>): void {
    this.#speech = chooseSpeech(event.detail);
    this.requestUpdate();
  }

  #onToken(event: CustomEvent<string>): void {
    // The form goes, and the keyboard would begin at the top again.
    this.renderRoot.querySelector("main")?.focus();
    this.#watch.useToken(event.detail);
  }
}

customElements.define("weir-page", PageElement);
