// The budgets that refreshes come out of: what each has spent, and what it has left.

import { css, html, nothing, type TemplateResult } from "lit";

import type { Budget } from "./answers";
import { look } from "./look";
import { Part, given } from "./part";

class BudgetsElement extends Part {
  static override properties = { ...Part.properties, budgets: given };

  static override styles = [
    look,
    css`
      li {
        border-top: 1px solid var(--line);
        padding: 0.5rem 0;
      }
      li:last-child {
        padding-bottom: 0;
      }
      .row {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        justify-content: space-between;
        gap: 0 1rem;
      }
      .figure {
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  /** By name. */
  declare budgets: [string, Budget][];

  override render(): TemplateResult {
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head"><h2 id="title">${this.speech.words.budgets}</h2></div>
        <ul>
          ${this.budgets.map(([name, budget]) => this.#budget(name, budget))}
        </ul>
      </section>
    `;
  }

  #budget(name: string, { members, last_minute, today, left_today: left, resets_in_s }: Budget): TemplateResult {
    const { words, figures } = this.speech;
    const spent = left === null ? words.lastMinute(figures.count(last_minute)) : words.spentToday(figures.count(today));
    return html`
      <li data-budget=${name}>
        <div class="row">
          <h3>${name}</h3>
          <span class="figure">
            ${spent}${left === null
              ? nothing
              : html`, <b class=${left === 0 ? "bad" : ""}>${words.leftToday(figures.count(left))}</b>`}
          </span>
        </div>
        ${left === null
          ? nothing
          : html`<meter min="0" max=${today + left} .value=${today} aria-label=${words.spentOf(name)}></meter>`}
        <div class="row soft">
          <span>${words.members(figures.count(members))}</span>
          ${left === null ? nothing : html`<span>${words.beginsAnew(figures.ahead(resets_in_s))}</span>`}
        </div>
      </li>
    `;
  }
}

customElements.define("weir-budgets", BudgetsElement);
