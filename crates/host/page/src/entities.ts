// The entities that change most, what was done with their changes, and why.
//
// Thousands of rows: only those in view are in the document, between two spacers.

import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

import type { Activity, Entity } from "./answers";
import { NONE } from "./figures";
import { look } from "./look";
import { type Column, type Order, arrange, firstOrder, nameOf, suppressedShare } from "./order";
import { AskedPart, given } from "./part";
import { ruleInWords } from "./rule-in-words";
import { type Range, rowsInView } from "./rows-in-view";
import { failureInWords } from "./trouble";

const COLUMNS: Column[] = ["entity", "per-hour", "suppressed", "rule", "last"];

class EntitiesElement extends AskedPart {
  static override properties = {
    ...AskedPart.properties,
    activity: given,
    halted: given,
    search: { state: true },
    order: { state: true },
    range: { state: true },
  };

  static override styles = [
    look,
    css`
      :host {
        --row: 3.4rem; /* Two lines of each cell. */
      }
      .head label {
        margin-left: auto;
        display: flex;
        align-items: baseline;
        gap: 0.5rem;
      }
      input {
        width: 14rem;
        max-width: 100%;
        min-width: 0;
      }
      .scroll {
        max-height: min(70vh, 34rem);
        border-top: 1px solid var(--line);
      }
      table {
        width: 100%;
        border-collapse: separate;
        border-spacing: 0;
        table-layout: fixed;
      }
      th {
        position: sticky;
        top: 0;
        background: var(--card);
        text-align: left;
        padding: 0.2rem 0.4rem 0.2rem 0;
        z-index: 1;
      }
      th button {
        width: 100%;
        text-align: left;
        border-color: transparent;
        background: none;
        padding: 0.1rem 0.2rem;
        white-space: nowrap;
        color: var(--soft);
        font-size: 0.875rem;
      }
      th button::after {
        content: "";
        display: inline-block;
        width: 0.9em;
        margin-left: 0.3em;
      }
      th[aria-sort] button {
        color: var(--text);
        font-weight: 600;
      }
      th[aria-sort="ascending"] button::after {
        content: "▲";
      }
      th[aria-sort="descending"] button::after {
        content: "▼";
      }
      th:focus-within {
        z-index: 2;
      }
      button:focus-visible {
        outline-offset: -2px;
      }
      .row {
        height: var(--row);
      }
      td {
        height: var(--row);
        padding: 0 0.6rem 0 0.2rem;
        border-top: 1px solid var(--line);
        overflow: hidden;
        font-variant-numeric: tabular-nums;
      }
      .line {
        display: block;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .lines {
        display: -webkit-box;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
        overflow: hidden;
        line-height: 1.3;
      }
      time {
        white-space: nowrap;
      }
      td.rule,
      td.last {
        font-size: 0.875rem;
      }
      /* Below the line of a plugin. */
      td.rule .line + .lines {
        -webkit-line-clamp: 1;
      }
      .space td {
        height: auto;
        border: 0;
        padding: 0;
      }
      .label {
        display: none;
      }
      @media (min-width: 48.01rem) {
        .entity {
          width: 26%;
        }
        .per-hour,
        .suppressed {
          width: 12%;
        }
        .last {
          width: 20%;
        }
      }
      @media (max-width: 48rem) {
        :host {
          --row: 7.4rem;
        }
        .head label {
          margin-left: 0;
          width: 100%;
        }
        input {
          flex: 1;
        }
        table,
        thead,
        tbody,
        .space,
        .space td {
          display: block;
        }
        thead tr {
          display: flex;
          flex-wrap: wrap;
        }
        th,
        th button {
          position: static;
          width: auto;
        }
        .row {
          display: grid;
          grid-template-columns: minmax(0, 6fr) minmax(0, 5fr);
          grid-auto-rows: max-content;
          align-content: start;
          border-top: 1px solid var(--line);
          padding: 0.3rem 0;
          overflow: hidden;
        }
        .row td {
          height: auto;
          border: 0;
        }
        td.per-hour,
        td.suppressed {
          white-space: nowrap;
        }
        td.entity,
        td.rule,
        td.last {
          grid-column: 1 / -1;
        }
        .label {
          display: inline;
          color: var(--soft);
          font-size: 0.875rem;
        }
        td.last .lines {
          -webkit-line-clamp: 1;
        }
      }
      @media (max-width: 30rem) {
        :host {
          --row: 9.7rem; /* With three lines for the rule. */
        }
        th {
          padding: 0;
        }
        .row td {
          padding-right: 0.2rem;
        }
        td.rule .lines {
          -webkit-line-clamp: 3;
        }
        td.rule .line + .lines {
          -webkit-line-clamp: 2;
        }
      }
      @media (max-width: 18rem) {
        :host {
          --row: 15rem; /* With every cell below the other. */
        }
        th button,
        td.per-hour,
        td.suppressed {
          white-space: normal;
        }
        .row {
          grid-template-columns: minmax(0, 1fr);
        }
        td.last .lines {
          -webkit-line-clamp: 2;
        }
      }
    `,
  ];

  declare activity: Activity | null;
  /** Whether nobody answers, so that nothing is known of what came since. */
  declare halted: boolean;
  declare search: string;
  declare order: Order;
  declare range: Range;

  /** Those that fit the search, in order. */
  #rows: Entity[] = [];
  /** As measured; a guess until there is a row. */
  #rowHeight = 54;
  #framed = false;
  readonly #size = new ResizeObserver(() => this.#look());

  constructor() {
    super();
    this.search = "";
    this.order = firstOrder("per-hour");
    this.range = rowsInView(0, 600, this.#rowHeight, 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#size.disconnect();
  }

  override willUpdate(changed: PropertyValues): void {
    if (["activity", "search", "order", "speech"].some((name) => changed.has(name))) {
      this.#rows = arrange(this.activity?.entities ?? [], this.search, this.order, this.speech.language);
    }
  }

  override render(): TemplateResult | typeof nothing {
    const { words, figures } = this.speech;
    if (this.activity === null) {
      if (this.failure === null) return nothing;
      return html`
        <section class="card" aria-labelledby="title">
          <div class="head"><h2 id="title">${words.entities}</h2></div>
          ${failureInWords(this.failure, this.speech)}
        </section>
      `;
    }
    const all = this.activity.entities.length;
    const since = words.countedSince(figures.since(new Date(this.activity.since), new Date()));
    return html`
      <section class="card" aria-labelledby="title">
        <div class="head">
          <h2 id="title">${words.entities}</h2>
          <span class="soft">
            <span role="status">${words.found(figures.count(this.#rows.length), figures.count(all))}</span>, ${since}
          </span>
          <label>
            <span class="soft">${words.search}</span>
            <input type="search" autocomplete="off" spellcheck="false" .value=${this.search} @input=${this.#onSearch} />
          </label>
        </div>
        ${failureInWords(this.failure, this.speech)}
        ${this.#rows.length > 0
          ? this.#table()
          : html`<p class="soft empty">${all === 0 ? words.noEntities : words.noneFound}</p>`}
      </section>
    `;
  }

  #table(): TemplateResult {
    const { first, end } = this.range;
    const now = new Date();
    const indexed = this.#rows.slice(first, end).map((entity, at) => ({ entity, index: first + at }));
    return html`
      <div class="scroll" tabindex="0" role="region" aria-labelledby="title" @scroll=${this.#onScroll}>
        <table role="table" aria-labelledby="title" aria-rowcount=${this.#rows.length + 1}>
          <thead role="rowgroup">
            <tr role="row" aria-rowindex="1">
              ${COLUMNS.map((column) => this.#header(column))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            ${this.#space(first)}
            ${repeat(
              indexed,
              ({ entity }) => entity.entity_id,
              ({ entity, index }) => this.#row(entity, index, now),
            )}
            ${this.#space(this.#rows.length - end)}
          </tbody>
        </table>
      </div>
    `;
  }

  #header(column: Column): TemplateResult {
    const { words } = this.speech;
    const names: Record<Column, string> = {
      entity: words.entity,
      "per-hour": words.perHour,
      suppressed: words.suppressed,
      rule: words.rule,
      last: words.last,
    };
    const sort = this.order.descending ? "descending" : "ascending";
    return html`
      <th role="columnheader" scope="col" class=${column} aria-sort=${this.order.column === column ? sort : nothing}>
        <button type="button" @click=${() => this.#sort(column)}>${names[column]}</button>
      </th>
    `;
  }

  /** Stands for rows that are not in the document. Set as a property: the policy refuses style attributes. */
  #space(rows: number): TemplateResult {
    const height = Math.max(0, rows) * this.#rowHeight;
    return html`<tr class="space" aria-hidden="true"><td colspan=${COLUMNS.length} .style=${`height:${height}px`}></td></tr>`;
  }

  #row(entity: Entity, index: number, now: Date): TemplateResult {
    const { words, figures } = this.speech;
    const share = suppressedShare(entity);
    const { source, number } = entity.rule;
    const rule = ruleInWords(entity.rule, entity.unit, this.speech);
    const sourceName = words.sources[source]?.(number === null ? "" : figures.count(number)) ?? source;
    const reason = entity.reason === null ? NONE : (words.reasons[entity.reason] ?? entity.reason);
    return html`
      <tr role="row" class="row" aria-rowindex=${index + 2} data-entity=${entity.entity_id}>
        <td role="cell" class="entity">
          <span class="line">${nameOf(entity)}</span>
          ${entity.name === null ? nothing : html`<span class="line soft">${entity.entity_id}</span>`}
        </td>
        <td role="cell" class="per-hour">
          ${figures.rate(entity.per_hour)} <span class="label" aria-hidden="true">${words.perHour}</span>
        </td>
        <td role="cell" class="suppressed">
          ${share === null ? NONE : figures.share(share)}
          <span class="label" aria-hidden="true">${words.suppressed}</span>
        </td>
        ${entity.plugin === null
          ? html`<td role="cell" class="rule" title=${rule}>
              <span class="lines"><span class="soft">${sourceName}:</span> ${rule}</span>
            </td>`
          : this.#advised(entity.plugin, entity.advice, `${sourceName}: ${rule}`)}
        <td role="cell" class="last">
          <span class="lines">
            ${reason}${entity.at === null
              ? nothing
              : html`, <time class="soft" datetime=${entity.at}>${this.#when(new Date(entity.at), now)}</time>`}
          </span>
        </td>
      </tr>
    `;
  }

  /** How long ago that was; while nothing newer arrives, when: time goes on, and a change since then would not be known. */
  #when(at: Date, now: Date): string {
    const { figures } = this.speech;
    return this.halted || this.failure !== null ? figures.at(at, now) : figures.ago(at, now);
  }

  /** A plugin is asked before the rule, which holds where that leaves it to decide. */
  #advised(plugin: string, advice: string | null, rule: string): TemplateResult {
    const name = this.speech.words.pluginOf(plugin);
    return html`
      <td role="cell" class="rule" title=${[name, advice, rule].filter((it) => it !== null).join("\n")}>
        <span class="line">${name}${advice === null ? nothing : html`: <span lang="en">${advice}</span>`}</span>
        <span class="lines soft">${rule}</span>
      </td>
    `;
  }

  override updated(): void {
    const row = this.renderRoot.querySelector<HTMLElement>(".row");
    const scroll = this.#scroll;
    if (scroll !== null) this.#size.observe(scroll);
    const height = row?.getBoundingClientRect().height ?? 0;
    if (height > 0 && Math.abs(height - this.#rowHeight) > 0.1) {
      this.#rowHeight = height;
      this.requestUpdate();
    }
    this.#look();
  }

  get #scroll(): HTMLElement | null {
    return this.renderRoot.querySelector(".scroll");
  }

  /** Has the rows in view in the document. */
  #look(): void {
    const scroll = this.#scroll;
    if (scroll === null) return;
    const range = rowsInView(scroll.scrollTop, scroll.clientHeight, this.#rowHeight, this.#rows.length);
    if (range.first !== this.range.first || range.end !== this.range.end) this.range = range;
  }

  /** Once per frame, however many events. */
  #onScroll(): void {
    if (this.#framed) return;
    this.#framed = true;
    requestAnimationFrame(() => {
      this.#framed = false;
      this.#look();
    });
  }

  #onSearch(event: Event): void {
    this.search = (event.target as HTMLInputElement).value;
    this.#toTop();
  }

  #sort(column: Column): void {
    const { order } = this;
    this.order = order.column === column ? { column, descending: !order.descending } : firstOrder(column);
    this.#toTop();
  }

  #toTop(): void {
    const scroll = this.#scroll;
    if (scroll !== null) scroll.scrollTop = 0;
  }
}

customElements.define("weir-entities", EntitiesElement);
